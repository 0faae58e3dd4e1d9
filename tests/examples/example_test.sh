#!/bin/bash
# Runs an example ($1) and checks that its output has a line like each pattern.
set -u
program=$1
shift
output=$(TMPDIR=$TEST_TMPDIR "$program" 2>&1) || {
  echo "$program failed: $output"
  exit 1
}
for pattern in "$@"; do
  grep -qE -- "$pattern" <<< "$output" || {
    echo "no line like '$pattern' in: $output"
    exit 1
  }
done
