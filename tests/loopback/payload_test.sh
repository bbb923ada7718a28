#!/bin/sh
# The payload strategy `certified` in four real validators: requests come in at all of them, one is
# killed with batches of its lane out and comes back, then the leader; nothing that was answered is
# lost, and the state roots are equal.
. "$SYNOD_SOURCE/tests/loopback/validators.sh"
patience=60
home=$folder/home

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
equal_roots payload
echo "good"
