#!/bin/sh
# Power cuts on real validators: finds the programs of a build and starts the driver.
#   tests/power/run.sh --n 4 --victims 1 --cuts 100 --seed 1 --json
# SYNOD_BUILD says which build (default build/release). The validators are those of the build with
# fault hooks, which note what they promise; PLAIN=1 takes the ordinary program instead. Exit code 0
# nothing was violated, 1 something was, 2 wrong usage, 3 it could not be set up.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=${SYNOD_BUILD:-$here/build/release}
for program in synod synod_faults tests/power tests/undo_shim.so; do
    [ -e "$build/$program" ] && continue
    echo "run.sh: $build/$program is missing: make release, or say SYNOD_BUILD=folder" >&2
    exit 3
done
if [ "${PLAIN:-}" = 1 ]; then
    set -- --program "$build/synod" "$@"
else
    set -- --program "$build/synod_faults" --hooks "$@"
fi
exec "$build/tests/power" --shim "$build/tests/undo_shim.so" "$@"
