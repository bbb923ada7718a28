#!/bin/sh
# Every defence has an attack that gets through without it. Each tests/breaks/NAME.sed takes one
# defence out of one source file; the sweep of bare cores, or the play that it names, must then turn
# red, and for the expected reason. The whole code is the control: it must stay green.
#
# Header of a break:  # source: FILE          the one file that it changes
#                     # by: sweep ORACLE|...   red in the sweep by one of these oracles
#                     # by: play PROGRAM TEST  this test of tests/scenario/PROGRAM.c fails
set -eu

source=${SYNOD_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
cc=${CC:-cc}
seeds=${SYNOD_BREAK_SEEDS:-6000}
work=$(mktemp -d "${TMPDIR:-/tmp}/synod-breaks.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
cd "$source"

flags="-std=c17 -O1 -Iinclude -Isrc -I. -DSYNOD_SOURCE_DIR=\"$source\""
libs="$(pkg-config --libs libcrypto libsodium libisal libxxhash cmocka) -lm"
compile() { # SOURCE OBJECT
    # shellcheck disable=SC2086
    $cc $flags -Isim -Itests/scenario -I"$(dirname "$1")" -c "$1" -o "$2"
}
object_of() { echo "$work/whole/$(echo "$1" | tr / _).o"; }

# The whole code once, two at a time; and the programs' own objects.
mkdir "$work/whole"
sources=$(ls src/base/*.c src/crypto/*.c src/model/*.c src/protocol/*.c src/protocol/hotstuff/*.c \
    sim/bare*.c)
plays=$(sed -n 's/^# by: play \([^ ]*\) .*/\1/p' tests/breaks/*.sed | sort -u)
{
    for file in $sources tests/breaks/sweep.c; do echo "$file"; done
    for play in $plays; do echo "tests/scenario/$play.c"; done
} >"$work/list"
export cc flags work
# shellcheck disable=SC2016
xargs -P 2 -n 1 sh -c '$cc $flags -c "$0" -o "$work/whole/$(echo "$0" | tr / _).o"' <"$work/list"

# link PROGRAM MAIN [BROKEN_SOURCE BROKEN_OBJECT]
link() {
    objects=$(object_of "$2")
    for file in $sources; do
        if [ "$file" = "${3:-}" ]; then objects="$objects $4"; else
            objects="$objects $(object_of "$file")"; fi
    done
    # shellcheck disable=SC2086
    $cc $objects -o "$1" $libs
}

link "$work/sweep" tests/breaks/sweep.c
"$work/sweep" 1 500 >"$work/out" || { cat "$work/out"; echo "the whole code is red"; exit 1; }
echo "whole: $(tail -n 1 "$work/out")"

failed=0
lose() { echo "$1: NOT CAUGHT: $2"; failed=1; }

try_sweep() { # NAME SOURCE OBJECT ORACLES
    link "$work/broken" tests/breaks/sweep.c "$2" "$3"
    code=0
    "$work/broken" 1 "$seeds" until "$4" >"$work/out" 2>&1 || code=$?
    oracle=$(sed -n 's/^RED \([a-z]*\) .*/\1/p' "$work/out" | tail -n 1)
    seed=$(sed -n 's/^RED [a-z]* seed \([0-9]*\),.*/\1/p' "$work/out" | tail -n 1)
    case "|$4|" in
    *"|$oracle|"*) echo "$1: caught at seed $seed by $oracle" ;;
    *) lose "$1" "exit $code, $(tail -n 1 "$work/out")" ;;
    esac
}

try_play() { # NAME SOURCE OBJECT PROGRAM TEST
    link "$work/broken" "tests/scenario/$4.c" "$2" "$3"
    if "$work/broken" >"$work/out" 2>&1; then
        lose "$1" "$4 is green"
    elif grep -q "FAILED.* $5" "$work/out"; then
        echo "$1: caught by the play $5"
    else
        lose "$1" "$4 failed, but not in $5"
    fi
}

for break in tests/breaks/*.sed; do
    name=$(basename "$break" .sed)
    file=$(sed -n 's/^# source: //p' "$break")
    by=$(sed -n 's/^# by: //p' "$break")
    mkdir -p "$work/broken.d/$(dirname "$file")"
    copy=$work/broken.d/$file
    sed -f "$break" "$file" >"$copy"
    if cmp -s "$file" "$copy"; then
        lose "$name" "the break changes nothing in $file"
        continue
    fi
    # shellcheck disable=SC2086
    if ! $cc $flags -I"$(dirname "$file")" -c "$copy" -o "$work/broken.o" 2>"$work/out"; then
        lose "$name" "it does not compile: $(head -n 1 "$work/out")"
        continue
    fi
    # shellcheck disable=SC2086
    case "$by" in
    sweep*) try_sweep "$name" "$file" "$work/broken.o" ${by#sweep } ;;
    play*) try_play "$name" "$file" "$work/broken.o" ${by#play } ;;
    *) lose "$name" "no line '# by:'" ;;
    esac
done
exit $failed
