#!/bin/sh
# make proof: see tools/proof.lua. STAGE="sim breaks" chooses stages; SEEDS, CUTS and JOBS make them
# shorter or wider; SYNOD_BIN is the program of the release build.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
SYNOD_BIN=${SYNOD_BIN:-$here/build/release/synod}
build=$(CDPATH='' cd -- "$(dirname -- "$SYNOD_BIN")" && pwd)
SYNOD_SOURCE=$here
export SYNOD_SOURCE
# shellcheck disable=SC2086
exec lua5.4 "$here/tools/proof.lua" --build "$build" "$@" ${STAGE:-}
