#!/bin/sh
# The payload strategy `certified` in four real validators: requests come in at all of them, one is
# killed with batches of its lane out and comes back, then the leader; nothing that was answered is
# lost, and the state roots are equal.
set -u
folder=$(mktemp -d)
nodes=""
finish() {
    for node in $nodes; do kill -TERM "$node" 2> /dev/null; done
    wait
    rm -rf "$folder"
}
trap finish EXIT
fail() {
    echo "FAILED: $*"
    tail -n 20 "$folder"/*/log* "$folder"/out* 2> /dev/null
    exit 1
}
synod=$SYNOD_BIN
home=$folder/home
say() { timeout 60 "$synod" "$@" > "$folder/out" 2>&1 || fail "$*"; }
start() {
    "$synod" node --home "$home/node$1" 2>> "$home/log$1" &
    eval "node$1=$!"
    nodes="$nodes $!"
}

timeout 20 "$synod" testnet --home "$folder/bad" --strategy outline > "$folder/out" 2>&1 &&
    fail "a strategy that there is not"
say testnet --home "$home" --strategy certified --port 8050
grep -q '"payload_strategy":.*"certified"' "$home/node0/genesis.json" || fail "not in the genesis"
for i in 0 1 2 3; do start "$i"; done

# Sessions are spread over the members: eight loads at once have clients of all of them.
for k in 1 2 3 4 5 6 7 8; do
    awk -v k=$k 'BEGIN { for (i = 0; i < 400; i++) printf "key%d-%d\tvalue%d\n", k, i, i }' \
        > "$folder/records$k"
    timeout 60 "$synod" load --home "$home" "$folder/records$k" > "$folder/out$k" 2>&1 &
    eval "load$k=$!"
done
sleep 0.3
kill -9 "$node2"
wait "$node2" 2> /dev/null
sleep 0.3
start 2
for k in 1 2 3 4 5 6 7 8; do
    eval "wait \$load$k" || fail "load $k"
done
kill -9 "$node0" # it leads at first
wait "$node0" 2> /dev/null
say submit --home "$home" set after leader
start 0
say submit --home "$home" set back again
for k in 1 4 8; do
    value=$(timeout 20 "$synod" query --home "$home" get "key$k-399") || fail "no read"
    [ "$value" = value399 ] || fail "another value: $value"
done
[ "$(timeout 20 "$synod" query --home "$home" get after)" = leader ] || fail "lost"
for i in $(seq 50); do
    timeout 20 "$synod" status --home "$home" --json > "$folder/out" || true
    grep -o '"root":"[^"]*"' "$folder/out" > "$folder/roots"
    [ "$(wc -l < "$folder/roots")" = 4 ] && [ "$(sort -u "$folder/roots" | wc -l)" = 1 ] && break
    sleep 0.2
done
[ "$i" -lt 50 ] || fail "the four have no equal roots"
echo "good"
