#!/bin/bash
# Throw-away PostgreSQL 15 clusters for tests and the demo, on loopback only. Touches no other cluster.
#   tools/pg_clusters.sh start [--icu] DIR N   makes N clusters below DIR and writes their URLs to DIR/env; --icu: and
#                                              one with an ICU collation and max_prepared_transactions = 0, whose URL
#                                              is SHARD_TEST_POSTGRES_ICU_URL and SHARD_TEST_POSTGRES_NO_PREPARE_URL
#   tools/pg_clusters.sh stop DIR              stops them and removes DIR
#   tools/pg_clusters.sh run [--icu] N COMMAND ...   runs COMMAND with DIR/env exported, then stops them, whatever happens
set -u
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

bin=/usr/lib/postgresql/15/bin
first_port=25432 # below the ports that the system hands out; the same on every run, so that Bazel's cache stays good

as_postgres() {
  if [ "$(id -u)" -eq 0 ]; then
    runuser -u postgres -- "$@" # the server refuses to run as root
  else
    "$@"
  fi
}

in_use() {
  (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null
}

init_cluster() { # data folder, max_prepared_transactions, options of initdb
  local data=$1 prepared=$2
  shift 2
  as_postgres "$bin/initdb" -D "$data" -U postgres -A trust --encoding=UTF8 --locale=C.UTF-8 --no-sync "$@" \
    > "$data.initdb.log" 2>&1 || return
  as_postgres tee -a "$data/postgresql.conf" > /dev/null << EOF
listen_addresses = '127.0.0.1'
unix_socket_directories = '${data%/*}'
max_connections = 200
max_prepared_transactions = $prepared
EOF
}

start_cluster() { # data folder; moves port on to the cluster's
  local tries=0
  for ((tries = 0; tries < 50; ++tries, ++port)); do
    in_use "$port" && continue
    as_postgres "$bin/pg_ctl" -D "$1" -l "$1.log" -o "-p $port" -w -t 60 start > /dev/null 2>&1 && return
    in_use "$port" || return # no other server took the port meanwhile: it failed for a reason of its own
  done
  return 1
}

start_clusters() { # [--icu] DIR N
  local icu=
  [ "${1:-}" = --icu ] && icu=icu && shift
  [ $# -eq 2 ] || die "usage: start [--icu] DIR N"
  local dir=$1 count=$2 port=$first_port urls= icu_url= name names=()
  [ -x "$bin/initdb" ] || die "PostgreSQL 15 is not installed: run tools/install_dependencies.sh"
  mkdir -p "$dir" && dir=$(cd "$dir" && pwd) || die "cannot make folder $dir"
  [ -z "$(ls -A "$dir")" ] || die "folder $dir is not empty"
  unfinished=$dir
  for ((i = 1; i <= count; ++i)); do names+=("pg$i"); done
  [ "$(id -u)" -ne 0 ] || chown postgres: "$dir"

  local prepared options jobs=()
  for name in "${names[@]}" $icu; do
    prepared=100 options=()
    [ "$name" = icu ] && prepared=0 options=(--locale-provider=icu --icu-locale=en-US)
    init_cluster "$dir/$name" "$prepared" "${options[@]}" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do
    wait "$job" || die "initdb failed: $(tail -qn 1 "$dir"/*.initdb.log | tr '\n' ' ')"
  done
  for name in "${names[@]}" $icu; do
    start_cluster "$dir/$name" || die "PostgreSQL did not start: $(tail -n 1 "$dir/$name.log")"
    local url=postgresql://postgres@127.0.0.1:$port/postgres
    if [ "$name" = icu ]; then icu_url=$url; else urls+=${urls:+,}$url; fi
    ((++port))
  done
  cat > "$dir/env" << EOF
export SHARD_TEST_POSTGRES_URLS=$urls
export SHARD_TEST_POSTGRES_ICU_URL=$icu_url
export SHARD_TEST_POSTGRES_NO_PREPARE_URL=$icu_url
EOF
  unfinished=
}

stop_clusters() { # DIR
  local data
  wait # an initdb that an interrupt left behind
  for data in "$1"/*/; do
    [ ! -e "${data}postmaster.pid" ] || as_postgres "$bin/pg_ctl" -D "$data" -m immediate -w stop > /dev/null 2>&1
  done
  rm -rf "$1"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  command=${1:-}
  [ $# -eq 0 ] || shift
  case $command in
    start)
      unfinished=
      trap '[ -z "$unfinished" ] || stop_clusters "$unfinished"' EXIT
      start_clusters "$@"
      ;;
    stop)
      [ -f "${1:-}/env" ] || die "stop: no clusters of ours in '${1:-}'"
      stop_clusters "$1"
      ;;
    run)
      icu=()
      [ "${1:-}" = --icu ] && icu=(--icu) && shift
      scratch=$(mktemp -d)
      trap 'stop_clusters "$scratch"' EXIT
      [ $# -ge 2 ] || die "usage: run [--icu] N COMMAND ..."
      start_clusters "${icu[@]}" "$scratch" "$1"
      . "$scratch/env"
      shift
      run_child "$@"
      ;;
    *)
      die "usage: start [--icu] DIR N | stop DIR | run [--icu] N COMMAND ..."
      ;;
  esac
fi
