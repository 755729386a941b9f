#!/usr/bin/env bash
# Installs what is missing, builds the release preset and runs every test.
# Usage: scripts/test.sh [CMAKE_ARGS...]      for example scripts/test.sh -DCMEM_WERROR=ON
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

step() { printf '\n== %s\n' "$*"; }

step "1/4 packages"
scripts/install_packages.sh
step "2/4 configure"
cmake --preset release "$@"
step "3/4 build"
cmake --build --preset release
step "4/4 test"
ctest --preset release --output-on-failure -j2 --no-label-summary
