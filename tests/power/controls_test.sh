#!/bin/sh
# What must go red, within 25 cuts: validators that do not sync, and validators that speak before
# their record is written. If the cuts did not take anything away, or the judge did not look, these would pass.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# red TEXT ARGUMENTS...: exit code 1, for this reason
red() {
    text=$1
    shift
    code=0
    TMPDIR="$folder" sh "$SYNOD_SOURCE/tests/power/run.sh" --port 7870 --n 4 --victims 4 \
        --patience 7 --cuts 25 "$@" > "$folder/out" 2>&1 || code=$?
    grep VIOLATED "$folder/out" | head -n 1 || true
    if [ "$code" != 1 ] || ! grep VIOLATED "$folder/out" | grep -q "$text"; then
        echo "FAILED: $*: exit code $code, expected 1 and: $text"
        cat "$folder/out"
        exit 1
    fi
}
lost="acknowledged is lost\|or it ran twice\|said two things\|after it left view"
# A journal whose writes survive out of order is refused by the validator itself at its start.
red "$lost\|ended by itself" --fault unsynced --seed 21
# On a slow disk, so that a cut nearly always falls between the word and the record.
red "$lost" --fault early,slow=20000 --seed 22
