#!/bin/sh
# Five power cuts on real processes: of all four at once with the ordinary program, of one of four
# with the one that notes its promises, and once by the library where the others used a file system.
# The hundreds are `make soak STAGE=power`.
set -eu
cuts() {
    sh "$SYNOD_SOURCE/tests/power/run.sh" --port 7860 "$@"
}
PLAIN=1 cuts --n 4 --victims 4 --cuts 2 --seed 11
cuts --n 4 --victims 1 --cuts 2 --seed 12
cuts --n 4 --victims 4 --cuts 1 --seed 13 --storage undo
