#!/bin/bash
# Checks the models of the atomic commit with spin, whole: every state of the models must keep every promise, and each
# mutation must break one. A line for each; the last line counts. Takes no arguments.
set -u
cd "$(dirname "$0")" || exit
folder_of_models=$PWD

# On either decider.
shared=(
  ABORTED_WITHOUT_ASKING COMMIT_ROW_KEPT COMMIT_ROW_TOO_EARLY COORDINATOR_FORGETS_EARLY FOLLOWERS_FIRST
  LATE_PREPARE_NOT_AWAITED NO_RETENTION PREPARE_ANSWERED_ROLLBACK SHARES_BEFORE_ROW
)
postgres=(ABORT_ROW_TOO_EARLY NO_UNIQUE_KEY RECOVERER_INSERTS_NO_ABORT SELECT_AFTER_LOST_ANSWER)
sqlite=(ASKER_COMMITS_NOTHING LOCK_AFTER_PREPARE LOCK_KEPT RECOVERER_LOOKS_BEFORE_LOCK UNSYNCED_ROW_TRUSTED)

die() {
  echo "check_models: $*" >&2
  exit 1
}

for program in spin gcc; do
  command -v "$program" > /dev/null || die "$program is not installed: run tools/install_dependencies.sh"
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP

check_names() { # a mutation that is not listed would not be run
  local listed others
  listed=$(printf '%s\n' "${shared[@]}" "${postgres[@]}" "${sqlite[@]}" | sort)
  others=$(grep -ohE 'MUTATION_[A-Z_]+' ./*.pml | sed 's/^MUTATION_//' | sort -u)
  [ "$listed" = "$others" ] || die "the models have other mutations: $(diff <(echo "$listed") <(echo "$others"))"
  others=$(sed -nE 's/^\| `([A-Z_]+)` .*/\1/p' README.md | sort)
  [ "$listed" = "$others" ] || die "README.md has other mutations: $(diff <(echo "$listed") <(echo "$others"))"
}

search() { # decider, macro, optimization; in a folder of its own
  local macros=("-D$2")
  [ "$1" = sqlite ] && macros+=(-DSQLITE)
  cp "$folder_of_models"/*.pml . &&
    spin "${macros[@]}" -a atomic_commit.pml &&
    gcc "$3" -w -DSAFETY -DMEMLIM=900 -o pan pan.c && # asserts and invalid end states
    ./pan -m10000 -w22
}

number_before() { # text, log
  grep -oE "[0-9]+ $1" "$2" | grep -oE '^[0-9]+'
}

# Prints the line of one check; "ok" or "caught" in it is the verdict.
report() { # decider, macro, log, tenths of a second
  local states errors broken verdict=FAILED
  states=$(number_before 'states, stored' "$3")
  errors=$(grep -oE 'errors: [0-9]+' "$3" | grep -oE '[0-9]+')
  broken=$(sed -nE 's/^pan:1: (assertion violated )?(.*) \(at depth .*/\2/p' "$3")
  if [ -z "$states" ] || [ -z "$errors" ] || ! grep -qE 'invalid end states[[:space:]]+\+' "$3" ||
    ! grep -qE 'assertion violations[[:space:]]+\+' "$3"; then
    verdict="FAILED: did not run: $(tail -n 3 "$3" | tr '\n' ' ')"
  elif [[ $2 = MUTATION_* ]]; then
    [ "$errors" -gt 0 ] && [ -n "$broken" ] && verdict="caught: $broken"
  elif [ "$errors" -gt 0 ]; then
    verdict="FAILED: $broken"
  elif grep -qE 'not completed|too small|out of memory|MEMLIM' "$3"; then
    verdict="FAILED: not all states were searched"
  elif unreached "$3" > "$3.unreached"; then
    verdict="FAILED: never executed: $(head -n 1 "$3.unreached")"
  else
    verdict=ok
  fi
  printf '%-8s  %-28s %8s states  %2s errors  %2d.%d s  %s\n' \
    "$1" "${2#MUTATION_}" "${states:-?}" "${errors:-?}" $(($4 / 10)) $(($4 % 10)) "$verdict"
}

# Statements that no run of the model gets to, but for ends and for what must not happen: they would check nothing.
unreached() { # log
  grep -E '^[[:space:]]+[a-z_]+\.pml:[0-9]+, state' "$1" | grep -vE '"-end-"|"assert\('
}

check() { # number, decider, macro
  local begin=${EPOCHREALTIME//[!0-9]/} optimization=-O2 folder=$scratch/$1
  [[ $3 = MUTATION_* ]] && optimization=-O0 # is over at once; the compiler takes longer
  mkdir "$folder"
  (cd "$folder" && search "$2" "$3" "$optimization") > "$folder.log" 2>&1
  rm -rf "$folder"
  report "$2" "$3" "$folder.log" "$(((${EPOCHREALTIME//[!0-9]/} - begin) / 100000))" > "$folder.line"
}

check_names
checks=()
for decider in postgres sqlite; do
  for followers in 1 2; do checks+=("$decider N=$followers"); done
done
models=${#checks[@]}
for mutation in "${shared[@]}"; do checks+=("postgres MUTATION_$mutation" "sqlite MUTATION_$mutation"); done
for mutation in "${postgres[@]}"; do checks+=("postgres MUTATION_$mutation"); done
for mutation in "${sqlite[@]}"; do checks+=("sqlite MUTATION_$mutation"); done

for number in "${!checks[@]}"; do
  [ "$number" -lt 2 ] || wait -n # two at a time
  # shellcheck disable=SC2086
  check "$number" ${checks[number]} &
done
wait

for number in "${!checks[@]}"; do cat "$scratch/$number.line"; done | tee "$scratch/lines"
ok=$(grep -c ' ok$' "$scratch/lines")
caught=$(grep -c ' caught: ' "$scratch/lines")
mutations=$((${#checks[@]} - models))
echo "models $ok of $models ok, mutations $caught of $mutations caught"
[ "$ok" -eq "$models" ] && [ "$caught" -eq "$mutations" ]
