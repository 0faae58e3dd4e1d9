#!/bin/bash
# How long the compiler takes for one translation unit with 20 mapped classes, and how much memory: once with 5 fields a
# class, once with 20. Each class stands in a Select, an assignment and an Add. The limit for 20 classes is 3 s.
# One tab-separated line each. The exit code is 0 when both compile, whatever the time.
#   tools/compile_time.sh [CXX [FLAG ...]]     instead of: g++ -std=c++20 -O0
set -u
cd "$(dirname "$0")/.." || exit
. tools/common.sh

compiler=("$@")
[ $# -gt 0 ] || compiler=(g++ -std=c++20 -O0)
command -v "${compiler[0]}" > /dev/null || die "${compiler[0]} is not installed: run tools/install_dependencies.sh"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
ln -s "$PWD" "$scratch/shard" # headers are included as "shard/..."

generate() { # classes, fields
  local types=('std::int64_t' 'std::string' 'double' 'std::optional<std::string>' 'shard::Timestamp')
  echo '#include <cstdint>'
  echo '#include <memory>'
  echo '#include <optional>'
  echo '#include <string>'
  echo '#include "shard/session/query.h"'
  echo '#include "shard/session/sharded_session.h"'
  local class field
  for ((class = 0; class < $1; ++class)); do
    echo "template <class F> struct Fields$class {"
    echo '  shard::Field<F, std::int64_t, "id", shard::PrimaryKey> id;'
    for ((field = 1; field < $2; ++field)); do
      echo "  shard::Field<F, ${types[field % 5]}, \"f$field\"> f$field;"
    done
    echo '};'
    echo "struct Class$class : shard::Entity<Class$class, Fields$class, \"table$class\"> {};"
    echo "absl::Status Use$class(shard::ShardedSession& session) {"
    echo "  constexpr auto& c = Class$class::c;"
    echo "  auto object = std::make_shared<Class$class>();"
    echo '  object->f1 = "text";'
    echo '  object->f2 = c.f2 + 1.5;'
    echo "  auto found = session.Scalars(shard::Select<Class$class>().Where(c.id > 5 && c.f1 == \"a\").OrderBy(c.f2));"
    echo '  if (!found.ok()) return found.status();'
    echo '  return session.Add(object);'
    echo '}'
  done
}

measure() { # fields
  generate 20 "$1" > "$scratch/classes$1.cc"
  python3 - "$scratch" "$1" "${compiler[@]}" << 'PYTHON'
import resource, subprocess, sys, time

scratch, fields, command = sys.argv[1], sys.argv[2], sys.argv[3:]
command += ["-I", scratch, "-c", f"{scratch}/classes{fields}.cc", "-o", f"{scratch}/classes{fields}.o"]
begin = time.monotonic()
status = subprocess.run(command).returncode
seconds = time.monotonic() - begin
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if status == 0:
    print(f"20 classes of {fields} fields\t{seconds:.2f} s ({used.ru_utime + used.ru_stime:.2f} s of CPU)"
          f"\t{used.ru_maxrss // 1024} MB\tat most 3 s")
sys.exit(status)
PYTHON
}

status=0
measure 5 || status=1
measure 20 || status=1
exit "$status"
