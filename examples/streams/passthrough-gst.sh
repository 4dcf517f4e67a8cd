#!/bin/sh
# A worker that changes nothing: reads a stream (H.264 and AAC) over RTSP (TCP) and publishes it again, with GStreamer. Where it
# only parses, yours decodes and computes.
#
#   passthrough-gst.sh INPUT_URL OUTPUT_URL
#
#   passthrough-gst.sh rtsp://127.0.0.1:8554/live/demo/in rtsp://127.0.0.1:8554/live/demo/out
#   passthrough-gst.sh rtsp://127.0.0.1:8554/live/demo/in rtmp://127.0.0.1:1935/live/demo/out
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
output=$(publish_url "$2")
scheme=$(scheme_of "$2")
case $scheme in
  rtmp | rtmps) sink="flvmux streamable=true name=out ! rtmp2sink async-connect=false location=$output" ;;
  rtsp | rtsps) sink="rtspclientsink protocols=tcp latency=0 name=out location=$output" ;;
  *) fail "the output $scheme:// is not published to here: expected rtmp, rtmps, rtsp or rtsps" 64 ;;
esac
need gst-launch-1.0 "GStreamer with its base, good and bad plugins"
# Bounded by bytes alone: a queue that is full of sound would hold up the picture that the sink waits for.
queue="queue max-size-time=0 max-size-buffers=0"
# shellcheck disable=SC2086 # both are several words, and no URL has a blank in it
exec gst-launch-1.0 -q -e $sink \
  rtspsrc location="$1" protocols=tcp latency=0 name=in \
  in. ! application/x-rtp,media=video ! rtph264depay ! h264parse config-interval=-1 ! $queue ! out. \
  in. ! application/x-rtp,media=audio ! parsebin ! aacparse ! $queue ! out.
