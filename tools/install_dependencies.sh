#!/bin/bash
# Installs, on Debian 12, what ShardSession needs and is missing; asks nothing.
# Usage: tools/install_dependencies.sh [further package ...]
set -u
packages=(
  g++ pkg-config bazel-bootstrap bazel-rules-java
  libabsl-dev libgtest-dev libgmock-dev libbenchmark-dev libxxhash-dev nlohmann-json3-dev
  libcsv-dev libsqlite3-dev libsqlitecpp-dev libpq-dev libpqxx-dev postgresql-15 spin
  "$@"
)

die() {
  echo "install_dependencies: $*" >&2
  exit 1
}

command -v dpkg-query > /dev/null || die "this is not Debian; docs/building.md says what to install"
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2> /dev/null)
missing=()
for package in "${packages[@]}"; do
  grep -qxF "installed $package" <<< "$installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo > /dev/null || die "missing ${missing[*]}: run this as root, or install sudo"
  as_root=(sudo)
fi
echo "Installing ${missing[*]} ..." >&2
log=$(mktemp)
no_cluster=/etc/postgresql-common/createcluster.d/shardsession.conf
cleanup() {
  rm -f "$log"
  [ ! -e "$no_cluster" ] || "${as_root[@]}" rm -f "$no_cluster"
}
trap cleanup EXIT

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Options::=--force-confold \
    -o DPkg::Lock::Timeout=300 "$@" >> "$log" 2>&1 < /dev/null
}
if [[ " ${missing[*]} " == *" postgresql-15 "* ]]; then
  # A newly installed server would start a cluster at once; ours are made when needed.
  "${as_root[@]}" mkdir -p "${no_cluster%/*}"
  echo "create_main_cluster = false" | "${as_root[@]}" tee "$no_cluster" > /dev/null
fi
apt update
apt install --no-install-recommends "${missing[@]}" ||
  die "apt-get could not install ${missing[*]}: $(grep -m 1 '^E: ' "$log" || tail -n 1 "$log")"
