#!/usr/bin/env bash
# Installs the Debian packages that a build needs, and only those that are missing.
# Usage: scripts/install_packages.sh [MORE_PACKAGES...]
set -euo pipefail

packages=(
  cmake g++ ninja-build ccache pkg-config
  libcaf-dev libboost-dev libcereal-dev libxxhash-dev libutf8proc-dev
  libfaiss-dev # and the BLAS and LAPACK that it names
  libtomlplusplus-dev libcli11-dev nlohmann-json3-dev libabsl-dev
  catch2 librapidcheck-dev
  wordnet-base
  librocksdb-dev liblmdb-dev libsqlite3-dev # peers of `cmem bench durable`; builds without them too
  libhnswlib-dev # what `cmem bench vectors` measures against; builds without it too
  libigraph-dev # what path and traversal tests are compared with; they build without it too
  "$@"
)

if ! command -v dpkg-query >/dev/null; then
  echo "install_packages: not a Debian system; these are needed: ${packages[*]}" >&2
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done

if ((${#missing[@]} == 0)); then
  echo "install_packages: all ${#packages[@]} packages are there"
  exit 0
fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "install_packages: neither root nor sudo here; install by hand: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "install_packages: apt-get installs ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install --yes --no-install-recommends -qq "${missing[@]}"
