#!/bin/sh
# A worker that changes nothing: reads a stream over RTSP (TCP) and publishes it again, with ffmpeg. Where it copies, yours computes.
#
#   passthrough-ffmpeg.sh INPUT_URL OUTPUT_URL
#
#   passthrough-ffmpeg.sh rtsp://127.0.0.1:8554/live/demo/in rtsp://127.0.0.1:8554/live/demo/out
#   passthrough-ffmpeg.sh rtsp://127.0.0.1:8554/live/demo/in rtmp://127.0.0.1:1935/live/demo/out
#
# The stream key comes from STREAM_KEY, or from the file that STREAM_KEY_FILE names, or stands in the output's URL already.
set -eu
. "$(dirname "$0")/common.sh"

check_arguments 2 2 "$@"
scheme=$(scheme_of "$1")
case $scheme in
  rtsp | rtsps) ;;
  *) fail "the input $scheme:// is not read here: expected rtsp or rtsps" 64 ;;
esac
input=$1
output=$(publish_url "$2")
scheme=$(scheme_of "$2")
case $scheme in
  rtmp | rtmps) set -- -f flv -flvflags no_duration_filesize ;;
  rtsp | rtsps) set -- -f rtsp -rtsp_transport tcp ;;
  *) fail "the output $scheme:// is not published to here: expected rtmp, rtmps, rtsp or rtsps" 64 ;;
esac
need ffmpeg "https://ffmpeg.org/download.html, or your package manager"
exec ffmpeg -hide_banner -loglevel warning -nostdin \
  -rtsp_transport tcp -timeout 5000000 -fflags nobuffer -i "$input" -map 0 -c copy -muxdelay 0 "$@" "$output"
