#!/usr/bin/env bash
# Installs what is missing, builds, and runs the demo scenario on WordNet.
# The memory is kept in build/demo-store: a second run opens it and goes on from there.
# Usage: scripts/demo.sh [DEMO_ARGS...]       see `build/release/tools/cmem demo --help`
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

step() { printf '\n== %s\n' "$*"; }

step "1/4 packages"
scripts/install_packages.sh
step "2/4 configure"
cmake --preset release
step "3/4 build"
cmake --build --preset release --target cmem
step "4/4 demo"
store=(--store build/demo-store)
for argument in "$@"; do
  [[ $argument == --store* ]] && store=()
done
exec build/release/tools/cmem demo "${store[@]}" "$@"
