#!/bin/bash
# Checks the models of the atomic commit with spin, whole: every state of the models must keep every promise, and each
# mutation must break one. A line for each; the last line counts. Takes no arguments.
set -u
cd "$(dirname "$0")" || exit
folder_of_models=$PWD

die() {
  echo "check_models: $*" >&2
  exit 1
}

# What is searched: a name, the model, and macros that set it up.
settings() {
  case $1 in
    postgres) echo atomic_commit ;;
    sqlite) echo atomic_commit -DSQLITE ;;
    files) echo several_files ;;
    crossed) echo several_files -DCROSSED ;;
    writer) echo several_files -DWRITERS=1 -DRECOVERERS=0 ;;
    mixed) echo several_files -DPOSTGRES -DCOORDINATORS=1 -DRECOVERERS=2 ;;
    crossed-mixed) echo several_files -DPOSTGRES -DCROSSED ;;
    power) echo several_files -DLOSSES=2 -DWRITERS=1 -DRECOVERERS=0 ;;
    crossed-power) echo several_files -DLOSSES=1 -DWRITERS=1 -DRECOVERERS=0 -DCROSSED ;;
    mixed-power) echo several_files -DPOSTGRES -DLOSSES=2 -DWRITERS=1 -DCOORDINATORS=1 ;;
    two-mixed-power) echo several_files -DPOSTGRES -DLOSSES=1 -DWRITERS=1 -DRECOVERERS=0 ;;
    power-pass) echo several_files -DLOSSES=1 -DWRITERS=1 -DCOORDINATORS=1 ;;
    *) die "no settings for $1" ;;
  esac
}
models=(
  "postgres N=1" "postgres N=2" "sqlite N=1" "sqlite N=2"
  "files -" "crossed -" "writer -" "mixed -" "crossed-mixed -" "power -" "crossed-power -" "power-pass -"
  "mixed-power -" "two-mixed-power -"
)

# The mutations, by what they are searched in.
declare -A mutations=(
  [postgres]="ABORT_ROW_TOO_EARLY NO_UNIQUE_KEY RECOVERER_INSERTS_NO_ABORT SELECT_AFTER_LOST_ANSWER"
  [sqlite]="LOCK_AFTER_PREPARE LOCK_KEPT"
  ["postgres sqlite"]="ABORTED_WITHOUT_ASKING COMMIT_ROW_KEPT FOLLOWERS_FIRST LATE_PREPARE_NOT_AWAITED
    PREPARE_ANSWERED_ROLLBACK SHARES_BEFORE_ROW"
  ["postgres sqlite mixed"]="COMMIT_ROW_TOO_EARLY COORDINATOR_FORGETS_EARLY NO_RETENTION"
  ["sqlite mixed"]="ASKER_COMMITS_NOTHING RECOVERER_LOOKS_BEFORE_LOCK UNSYNCED_ROW_TRUSTED"
  [mixed]="ABSENT_ROW_TRUSTED BUSY_TAKEN_FOR_DEAD DECIDER_READ_FIRST FOLLOWER_FORGETS_FIRST REDO_ADDS_NO_ROW
    REDO_READS_BEFORE_LOCK UNSYNCED_FOLLOWER_TRUSTED"
  [files]="FENCE_ASKS_NOBODY MARKER_LEFT MARKER_REMOVED_EARLY MARKER_REMOVED_WITHOUT_LOCK
    MARKER_WRITTEN_WITHOUT_LOCK NO_MARKER"
  [writer]="DORMANT_COMMIT_LEFT"
  [power-pass]="BASE_NOT_SYNCED DELETION_NOT_SYNCED PEERS_NOT_ASKED PEERS_NOT_LISTED"
  [power]="MARKER_HIDES_PEERS"
)

for program in spin gcc; do
  command -v "$program" > /dev/null || die "$program is not installed: run tools/install_dependencies.sh"
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP

check_names() { # a mutation that is not listed would not be run
  local listed others
  # shellcheck disable=SC2048,SC2086
  listed=$(printf '%s\n' ${mutations[*]} | sort)
  others=$(grep -ohE 'MUTATION_[A-Z_]+' ./*.pml | sed 's/^MUTATION_//' | sort -u)
  [ "$listed" = "$others" ] || die "the models have other mutations: $(diff <(echo "$listed") <(echo "$others"))"
  others=$(sed -nE 's/^\| `([A-Z_]+)` .*/\1/p' README.md | sort)
  [ "$listed" = "$others" ] || die "README.md has other mutations: $(diff <(echo "$listed") <(echo "$others"))"
}

search() { # macro or -, optimization, file for all statements, model, macros; in a folder of its own
  local macro=$1 optimization=$2 statements=$3 model=$4
  shift 4
  [ "$macro" = - ] || set -- "$@" "-D$macro"
  cp "$folder_of_models"/*.pml . &&
    spin "$@" -a "$model.pml" &&
    gcc "$optimization" -w -DSAFETY -DMEMLIM=900 -o pan pan.c && # asserts and invalid end states
    ./pan -d > "$statements" &&
    ./pan -m10000 -w22
}

number_before() { # text, log
  grep -oE "[0-9]+ $1" "$2" | grep -oE '^[0-9]+'
}

# Prints the line of one check; "ok" or "caught" in it is the verdict.
report() { # name, macro, log, tenths of a second
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
  else
    verdict=ok
  fi
  printf '%-15s  %-28s %8s states  %2s errors  %2d.%d s  %s\n' \
    "$1" "${2#MUTATION_}" "${states:-?}" "${errors:-?}" $(($4 / 10)) $(($4 % 10)) "$verdict"
}

# Each statement of a model, with "yes" if this search executed it, else "no"; but for ends, power cuts and for
# what must not happen.
executed() { # log, all statements as pan -d prints them
  awk '
    FNR == NR {
      if (/^unreached in/) process = $NF
      else if (match($0, /, state [0-9]+/)) never[process, substr($0, RSTART + 8, RLENGTH - 8)] = 1
      next
    }
    /^[a-z]/ { process = $NF; next }
    / => / && !/ => -end-|assert\(|\(cut\[me\]\)$/ {
      answer = (process, $2) in never ? "no" : "yes"
      sub(/.*\[[^]]*\] /, "")
      print answer, process, $0
    }' "$1" "$2"
}

check() { # number, name, macro or -
  local begin=${EPOCHREALTIME//[!0-9]/} optimization=-O2 folder=$scratch/$1 setting
  read -ra setting <<< "$(settings "$2")"
  [[ $3 = MUTATION_* ]] && optimization=-O0 # is over at once; the compiler takes longer
  mkdir "$folder"
  (cd "$folder" && search "$3" "$optimization" "$folder.statements" "${setting[@]}") > "$folder.log" 2>&1
  rm -rf "$folder"
  report "$2" "$3" "$folder.log" "$(((${EPOCHREALTIME//[!0-9]/} - begin) / 100000))" > "$folder.line"
  [ "$optimization" = -O0 ] || executed "$folder.log" "$folder.statements" >> "$folder.${setting[0]}"
}

# Statements that no search of their model gets to would check nothing.
never_executed() {
  local model
  for model in atomic_commit several_files; do
    cat "$scratch"/*."$model" | sort -u |
      awk -v model="$model" '{ answer = $1; $1 = ""; if (answer == "yes") done[$0] = 1; else missed[$0] = 1 }
        END { for (statement in missed) if (!(statement in done)) print model ":" statement }'
  done
}

check_names
mutated=()
for names in "${!mutations[@]}"; do
  for mutation in ${mutations[$names]}; do
    for name in $names; do mutated+=("$name MUTATION_$mutation"); done
  done
done
mapfile -t mutated < <(printf '%s\n' "${mutated[@]}" | sort -k2)
checks=("${models[@]}" "${mutated[@]}")

for number in "${!checks[@]}"; do
  [ "$number" -lt 2 ] || wait -n # two at a time
  # shellcheck disable=SC2086
  check "$number" ${checks[number]} &
done
wait

for number in "${!checks[@]}"; do cat "$scratch/$number.line"; done | tee "$scratch/lines"
never_executed | sed 's/^/FAILED: never executed: /' | tee "$scratch/never"
ok=$(grep -c ' ok$' "$scratch/lines")
caught=$(grep -c ' caught: ' "$scratch/lines")
echo "models $ok of ${#models[@]} ok, mutations $caught of ${#mutated[@]} caught"
[ "$ok" -eq "${#models[@]}" ] && [ "$caught" -eq "${#mutated[@]}" ] && [ ! -s "$scratch/never" ]
