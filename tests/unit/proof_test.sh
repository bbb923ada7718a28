#!/bin/sh
# The status of the protocols stands in docs/proof/results.json and nowhere else: README and program
# say what is there, the table is printed from it, and a result of other sources is called stale.
set -eu
proof="lua5.4 $SYNOD_SOURCE/tools/proof.lua"
work=$(mktemp -d "${TMPDIR:-/tmp}/synod-proof.XXXXXX")
trap 'rm -rf "$work"' EXIT INT TERM
lose() { echo "$1"; exit 1; }

$proof --readme --check
"$SYNOD_BIN" protocols | grep -F "$($proof --line hotstuff)" >"$work/out" ||
    lose "synod protocols says something else than docs/proof/results.json"

# In a copy: a changed source makes what depends on it stale, a changed result the README wrong.
mkdir -p "$work/docs"
cp -r "$SYNOD_SOURCE/docs/proof" "$SYNOD_SOURCE/docs/attacks.md" "$work/docs/"
for folder in include src sim tests tools node cli README.md; do
    cp -r "$SYNOD_SOURCE/$folder" "$work/"
done
copy="env SYNOD_SOURCE=$work lua5.4 $work/tools/proof.lua"
$copy --table >"$work/before"
echo >>"$work/src/replica/replica.c"
$copy --table >"$work/after"
[ "$(grep '^attacks ' "$work/before")" = "$(grep '^attacks ' "$work/after")" ] ||
    lose "the attacks do not depend on src"
for stage in sim breaks; do
    grep -q "^$stage .*not done" "$work/before" || grep -q "^$stage .*stale" "$work/after" ||
        lose "the result of $stage is not called stale when src changes"
done
$copy --readme --check || lose "README.md is wrong in the copy"
sed -i 's/"owed": [0-9]*/"owed": 9999/; s/"counted": [0-9]*/"counted": 9999/' "$work/docs/proof/results.json"
if $copy --readme --check >"$work/out"; then
    grep -q '"counted"' "$work/docs/proof/results.json" && lose "a wrong README.md is not noticed"
fi
code=0
$copy nosuchstage 2>"$work/out" || code=$?
[ "$code" = 2 ] && grep -q "there is no stage" "$work/out" || lose "an unknown stage is taken"
