#!/bin/bash
# Short soaks, which must find nothing, and one with the protocol broken, which must find something.
#   bank_test.sh PROGRAM servers|files
set -u
program=$1
export TMPDIR=/tmp # where the user that servers run as may go

fail() {
  echo "FAILED: $*"
  exit 1
}

# Is to find nothing, with these options.
sound() {
  local output status
  output=$("$program" --seconds 15 "$@" 2>&1)
  status=$?
  echo "$output"
  [ "$status" -eq 0 ] || fail "exit code $status with $*"
  tail -n 1 <<< "$output" | grep -qE '^transfers=[1-9][0-9]* kills=[1-9][0-9]* torn=0 lost=0 indoubt=0$' ||
    fail "the last line with $*"
}

broken() {
  local output status
  output=$("$program" --seconds 5 --break-protocol "$@" 2>&1)
  status=$?
  echo "$output"
  [ "$status" -eq 1 ] || fail "exit code $status though the protocol was broken with $*"
  tail -n 1 <<< "$output" | grep -qE ' torn=[1-9]' || fail "nothing is torn though the protocol was broken with $*"
}

case $2 in
  servers)
    if [ ! -x /usr/lib/postgresql/15/bin/initdb ]; then
      echo "skipped: PostgreSQL 15 is not installed"
      exit 0
    fi
    sound --files 1 --servers 3
    sound --files 3 --servers 2
    broken --files 1 --servers 3
    ;;
  files)
    sound --files 4 --servers 0
    broken --files 4 --servers 0
    ;;
  *)
    fail "neither servers nor files: $2"
    ;;
esac
