#!/bin/sh
# Plays a stream with GStreamer; RTSP over TCP.
#
#   play-gst.sh URL [SECONDS]
#
#   play-gst.sh rtsp://127.0.0.1:8554/live/demo/out
#
# VIDEO_SINK and AUDIO_SINK name other sinks than the automatic ones, such as fakesink.
set -eu
. "$(dirname "$0")/common.sh"

check_arguments 1 2 "$@"
check_seconds "${2:-}"
seconds=${2:-}
scheme=$(scheme_of "$1")
case $scheme in
  rtsp) url=rtspt://${1#*://} ;;
  rtsps | rtmp | srt | http | https) url=$1 ;;
  *) fail "$scheme:// is not played here: expected rtsp, rtsps, rtmp, srt, http or https" 64 ;;
esac
need gst-launch-1.0 "GStreamer with its base and good plugins, and libav"

run_for "$seconds" gst-launch-1.0 -q playbin uri="$url" \
  video-sink="${VIDEO_SINK:-autovideosink}" audio-sink="${AUDIO_SINK:-autoaudiosink}"
