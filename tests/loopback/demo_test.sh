#!/bin/sh
# The main job on real processes: four validators, records through the client, the leader killed with
# -9, restarted, everything compared (the demo's own verdict), in a short form.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
awk 'BEGIN { for (i = 0; i < 4000; i++) printf "key%d\tvalue %d of a record that is a little longer\n", i, i * 7919 }' \
    > "$folder/records"
"$SYNOD_BIN" demo --records "$folder/records" --home "$folder/ledger" --pace 5s --port 7910 \
    > "$folder/out" 2>&1 || { cat "$folder/out"; tail -n 20 "$folder"/ledger/node*/log; exit 1; }
tail -n 1 "$folder/out"
test "$(tail -n 1 "$folder/out")" = "demo: 4000 records, 0 differ, 4 roots equal"
grep -q "killed with -9" "$folder/out"
grep -q "starts again" "$folder/out"
# The same homes once more: everything is still there, from the journals of all four.
"$SYNOD_BIN" up --home "$folder/ledger" > "$folder/up" 2>&1 &
up=$!
for i in $(seq 100); do
    grep -q ready "$folder/up" && break
    sleep 0.2
done
code=0
value=$("$SYNOD_BIN" query --home "$folder/ledger" get key3999) || code=1
kill -TERM "$up"
wait "$up" || code=1
echo "after a restart of all: $value"
test "$code" = 0
test "$value" = "value 31668081 of a record that is a little longer"
