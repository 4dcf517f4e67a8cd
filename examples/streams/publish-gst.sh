#!/bin/sh
# Publishes a test picture and a tone (H.264 and AAC) with GStreamer.
#
#   publish-gst.sh URL [SECONDS]
#
#   publish-gst.sh rtmp://127.0.0.1:1935/live/demo/in
#   publish-gst.sh rtsp://127.0.0.1:8554/live/demo/in 10
#
# The stream key comes from STREAM_KEY, or from the file that STREAM_KEY_FILE names, or stands in the URL already.
set -eu
. "$(dirname "$0")/common.sh"

check_arguments 1 2 "$@"
check_seconds "${2:-}"
scheme=$(scheme_of "$1")
case $scheme in
  rtmp | rtmps | rtsp | rtsps) ;;
  *) fail "$scheme:// is not published to here: expected rtmp, rtmps, rtsp or rtsps" 64 ;;
esac
need gst-launch-1.0 "GStreamer with its base, good, bad and ugly plugins"
need gst-inspect-1.0 "GStreamer with its base, good, bad and ugly plugins"

# The first of these elements that is installed.
first_of() {
  for element in "$@"; do
    if gst-inspect-1.0 --exists "$element"; then
      printf '%s\n' "$element"
      return
    fi
  done
  fail "none of the GStreamer elements $* is installed" 69
}

aac=$(first_of fdkaacenc voaacenc avenc_aac)
case $(first_of x264enc openh264enc) in
  x264enc) set -- "$1" "${2:-}" x264enc tune=zerolatency speed-preset=veryfast key-int-max=30 bitrate=1000 ;;
  *) set -- "$1" "${2:-}" openh264enc gop-size=30 bitrate=1000000 complexity=low ;;
esac

url=$(publish_url "$1")
seconds=${2:-}
shift 2
case $scheme in
  rtmp*) sink="flvmux streamable=true name=out ! rtmp2sink async-connect=false location=$url" ;;
  *) sink="rtspclientsink protocols=tcp latency=100 name=out location=$url" ;;
esac
# Bounded by bytes alone: a queue that is full of sound would hold up the picture that the sink waits for.
queue="queue max-size-time=0 max-size-buffers=0"
# shellcheck disable=SC2086 # both are several words, and no URL has a blank in it
run_for "$seconds" gst-launch-1.0 -q -e $sink \
  videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=30/1 ! \
  videoconvert ! "$@" ! h264parse config-interval=-1 ! $queue ! out. \
  audiotestsrc is-live=true freq=440 samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=1 ! \
  audioconvert ! "$aac" ! aacparse ! $queue ! out.
