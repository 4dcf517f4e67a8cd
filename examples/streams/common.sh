# shellcheck shell=sh
# What the scripts beside this file share: they source it, nobody runs it.

fail() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit "${2:-1}"
}

# Prints the comment at the head of the script: what it does and how it is called.
usage() {
  sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$0"
}

# check_arguments LEAST MOST "$@"
check_arguments() {
  case ${3:-} in
    -h | --help)
      usage
      exit 0
      ;;
  esac
  if [ $# -lt $(($1 + 2)) ] || [ $# -gt $(($2 + 2)) ]; then
    usage >&2
    exit 64
  fi
}

need() {
  command -v "$1" >/dev/null 2>&1 || fail "$1 is not installed: $2" 69
}

scheme_of() {
  case $1 in
    *://?*) printf '%s\n' "${1%%://*}" ;;
    *) fail "\"$1\" is no URL: expected one such as rtsp://127.0.0.1:8554/live/demo/in" 64 ;;
  esac
}

# Empty, or a whole number of seconds from 1 to 86400.
check_seconds() {
  case $1 in
    '') ;;
    *[!0-9]* | 0* | ??????*) fail "\"$1\" is no number of seconds: expected a whole number, 1 to 86400" 64 ;;
    *) [ "$1" -le 86400 ] || fail "$1 seconds are too many: expected 86400 at most" 64 ;;
  esac
}

# The stream key, from STREAM_KEY or from the file that STREAM_KEY_FILE names; empty when there is neither.
stream_key() {
  if [ -n "${STREAM_KEY:-}" ]; then
    printf '%s\n' "$STREAM_KEY"
  elif [ -n "${STREAM_KEY_FILE:-}" ]; then
    [ -r "$STREAM_KEY_FILE" ] || fail "STREAM_KEY_FILE: $STREAM_KEY_FILE cannot be read" 66
    head -n 1 "$STREAM_KEY_FILE"
  fi
}

# The URL to publish at: the key as the protocol wants it, and for SRT the path as a stream id. What stands there already stays.
publish_url() {
  key=$(stream_key) || exit
  case $1 in
    srt://*\?*) printf '%s\n' "$1" && return ;;
    srt://*/?*)
      rest=${1#srt://}
      printf 'srt://%s?streamid=publish:%s%s&pkt_size=1316\n' "${rest%%/*}" "${rest#*/}" "${key:+:greenroom:$key}"
      return
      ;;
  esac
  if [ -z "$key" ]; then
    printf '%s\n' "$1"
    return
  fi
  case $1 in
    rtmp://* | rtmps://*)
      case $1 in
        *\?*) printf '%s&user=greenroom&pass=%s\n' "$1" "$key" ;;
        *) printf '%s?user=greenroom&pass=%s\n' "$1" "$key" ;;
      esac
      ;;
    rtsp://*@* | rtsps://*@*) printf '%s\n' "$1" ;;
    rtsp://* | rtsps://*) printf '%s://greenroom:%s@%s\n' "${1%%://*}" "$key" "${1#*://}" ;;
    *) printf '%s\n' "$1" ;;
  esac
}

# run_for SECONDS COMMAND...: until it ends by itself, or for that long when SECONDS is not empty.
run_for() {
  seconds=$1
  shift
  [ -n "$seconds" ] || exec "$@"
  "$@" &
  child=$!
  trap 'kill -INT "$child" 2>/dev/null || :' EXIT
  trap 'exit 130' INT TERM
  left=$seconds
  while [ "$left" -gt 0 ]; do
    kill -0 "$child" 2>/dev/null || fail "$1 ended before $seconds s were over"
    sleep 1
    left=$((left - 1))
  done
  trap - EXIT
  kill -TERM "$child" 2>/dev/null || :
  # The shell would say that it was ended.
  wait "$child" 2>/dev/null || :
}
