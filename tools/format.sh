#!/bin/bash
# Formats our sources in place; with --check only says which files are not formatted.
set -u
cd "$(dirname "$0")/.." || exit
. tools/common.sh
command -v clang-format > /dev/null || die "clang-format is not installed"
mapfile -d '' files < <(find . -name '.?*' -prune -o -path './bazel-*' -prune -o \( -name '*.h' -o -name '*.cc' \) -type f -print0)
[ ${#files[@]} -gt 0 ] || exit 0
if [ "${1:-}" != --check ]; then
  exec clang-format -i "${files[@]}"
fi
bad=$(clang-format --dry-run -Werror "${files[@]}" 2>&1 | grep -oE '^[^:]+' | sort -u | grep -E '\.(h|cc)$')
[ -z "$bad" ] || die "not formatted, run tools/format.sh:" $bad
