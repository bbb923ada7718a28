#!/bin/sh
# A demo that is broken on purpose has to say so: one validator's state is damaged, the exit code is
# 1, and the last lines name that validator, the height and its root.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
expect() {
    code=$1 text=$2 got=0
    shift 2
    said=$("$@" 2>&1) || got=$?
    case $said in *"$text"*) ;; *) got="$got without: $text" ;; esac
    [ "$got" = "$code" ] && return
    echo "FAILED: $*: exit code $got, expected $code; it said: $said"
    exit 1
}
faults=$SYNOD_BUILD/synod_faults
expect 2 'there is no "nonsense"' "$faults" demo --break nonsense
grep -q '^SYNOD_FAULT_HOOKS:BOOL=ON' "$SYNOD_BUILD/CMakeCache.txt" ||
    expect 2 "no fault hooks" "$SYNOD_BIN" demo --break state
awk 'BEGIN { for (i = 0; i < 1000; i++) printf "key%d\tvalue %d\n", i, i * 7919 }' > "$folder/records"
code=0
"$faults" demo --break state --records "$folder/records" --home "$folder/ledger" --pace 3s \
    --port 7920 > "$folder/out" 2>&1 || code=$?
tail -n 8 "$folder/out"
[ "$code" = 1 ]
broken=$(sed -n 's/.*the state of validator \([0-9]*\) is flipped.*/\1/p' "$folder/out")
[ -n "$broken" ]
tail -n 3 "$folder/out" |
    grep "validator $broken ended: .*at height [0-9]* the state root here is [0-9a-f]\{16\}"
[ "$(tail -n 1 "$folder/out")" = "demo: 1000 records, 0 differ, 3 roots equal" ]
