#!/bin/sh
# Plays a stream with ffplay, with as little delay as it can; RTSP over TCP.
#
#   play-ffplay.sh URL [SECONDS]
#
#   play-ffplay.sh rtsp://127.0.0.1:8554/live/demo/out
#   play-ffplay.sh http://127.0.0.1:8888/live/demo/out/index.m3u8
set -eu
. "$(dirname "$0")/common.sh"

check_arguments 1 2 "$@"
check_seconds "${2:-}"
url=$1
seconds=${2:-}
scheme=$(scheme_of "$url")
case $scheme in
  rtsp | rtsps) set -- -rtsp_transport tcp ;;
  rtmp | rtmps | srt | http | https) set -- ;;
  *) fail "$scheme:// is not played here: expected rtsp, rtsps, rtmp, rtmps, srt, http or https" 64 ;;
esac
need ffplay "it comes with ffmpeg"
run_for "$seconds" ffplay -hide_banner -loglevel warning -autoexit -fflags nobuffer -flags low_delay "$@" -i "$url"
