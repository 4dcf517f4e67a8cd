#!/bin/sh
# Publishes a test picture and a tone (H.264 and AAC) with ffmpeg.
#
#   publish-ffmpeg.sh URL [SECONDS]
#
#   publish-ffmpeg.sh rtmp://127.0.0.1:1935/live/demo/in
#   publish-ffmpeg.sh rtsp://127.0.0.1:8554/live/demo/in 10
#   publish-ffmpeg.sh srt://127.0.0.1:8890/live/demo/in
#
# The stream key comes from STREAM_KEY, or from the file that STREAM_KEY_FILE names, or stands in the URL already.
set -eu
. "$(dirname "$0")/common.sh"

check_arguments 1 2 "$@"
check_seconds "${2:-}"
scheme=$(scheme_of "$1")
case $scheme in
  rtmp | rtmps) set -- "$1" "${2:-}" flv -flvflags no_duration_filesize ;;
  rtsp | rtsps) set -- "$1" "${2:-}" rtsp -rtsp_transport tcp ;;
  srt) set -- "$1" "${2:-}" mpegts ;;
  *) fail "ffmpeg cannot publish to $scheme:// here: expected rtmp, rtmps, rtsp, rtsps or srt" 64 ;;
esac
need ffmpeg "https://ffmpeg.org/download.html, or your package manager"

url=$(publish_url "$1")
seconds=$2
format=$3
shift 3
exec ffmpeg -hide_banner -loglevel warning -nostdin -re \
  -f lavfi -i testsrc2=size=640x360:rate=30 \
  -f lavfi -i sine=frequency=440:sample_rate=48000 \
  ${seconds:+-t "$seconds"} \
  -c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 30 -b:v 1M \
  -c:a aac -b:a 96k \
  -f "$format" "$@" "$url"
