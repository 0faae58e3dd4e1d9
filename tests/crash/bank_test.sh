#!/bin/bash
# A short soak, which must find nothing, and one with the protocol broken, which must find something.
#   bank_test.sh PROGRAM
set -u
program=$1
export TMPDIR=/tmp # where the user that servers run as may go

if [ ! -x /usr/lib/postgresql/15/bin/initdb ]; then
  echo "skipped: PostgreSQL 15 is not installed"
  exit 0
fi

fail() {
  echo "FAILED: $*"
  exit 1
}

sound=$("$program" --seconds 20 2>&1)
status=$?
echo "$sound"
[ "$status" -eq 0 ] || fail "exit code $status"
tail -n 1 <<< "$sound" | grep -qE '^transfers=[1-9][0-9]* kills=[1-9][0-9]* torn=0 lost=0 indoubt=0$' ||
  fail "the last line"

broken=$("$program" --seconds 5 --break-protocol 2>&1)
status=$?
echo "$broken"
[ "$status" -eq 1 ] || fail "exit code $status though the protocol was broken"
tail -n 1 <<< "$broken" | grep -qE ' torn=[1-9]' || fail "nothing is torn though the protocol was broken"
