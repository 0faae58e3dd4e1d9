# shellcheck shell=bash disable=SC2034
# Sourced by the scripts beside it and by ./test and ./demo.

die() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# Interrupted, a script still runs its EXIT trap.
trap 'exit 130' INT TERM HUP

# Runs a command that an interrupt ends at once; bash alone would wait for it before it runs a trap.
run_child() {
  local child status=0
  trap 'kill -TERM "$child" 2> /dev/null; wait "$child"; exit 130' INT TERM HUP
  "$@" <&0 &
  child=$!
  wait "$child" || status=$?
  trap 'exit 130' INT TERM HUP
  return "$status"
}

# Bazel's options for output that nobody watches.
quiet_bazel=()
[ -t 2 ] || quiet_bazel=(--noshow_progress --noshow_loading_progress)
