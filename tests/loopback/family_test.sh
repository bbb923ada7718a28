#!/bin/sh
# Each protocol of the family that may run orders requests in four real validators, also when the
# leader is killed and when it comes back; the one that forks is refused with its reason.
. "$SYNOD_SOURCE/tests/loopback/validators.sh"

port=8010
for protocol in hotstuff-chained hotstuff-2 hotstuff-basic; do
    home=$folder/$protocol
    say testnet --home "$home" --protocol "$protocol" --port "$port"
    for i in 0 1 2 3; do start "$i"; done
    awk 'BEGIN { for (i = 0; i < 500; i++) printf "key%d\tvalue%d\n", i, i }' > "$folder/records"
    say load --home "$home" "$folder/records"
    kill -9 "$node0" # it leads at first
    wait "$node0" 2> /dev/null
    say submit --home "$home" set after leader
    start 0
    say submit --home "$home" set back again
    value=$(timeout 20 "$synod" query --home "$home" get key499) || fail "$protocol: no read"
    [ "$value" = value499 ] || fail "$protocol: another value: $value"
    [ "$(timeout 20 "$synod" query --home "$home" get after)" = leader ] || fail "$protocol: lost"
    equal_roots "$protocol"
    for node in $nodes; do kill -TERM "$node" 2> /dev/null; done
    wait
    nodes=""
    port=$((port + 10))
done

timeout 20 "$synod" testnet --home "$folder/one" --protocol hotstuff-one-chain > "$folder/out" 2>&1 &&
    fail "a chain of the rule that forks"
grep -q "it forks" "$folder/out" || fail "no reason"
timeout 20 "$synod" sim sweep --protocol hotstuff-one-chain --seeds 1 > "$folder/out" 2>&1 &&
    fail "a sweep of the rule that forks"
grep -q "it forks" "$folder/out" || fail "no reason in the sweep"
"$synod" protocols > "$folder/out" || fail protocols
[ "$(grep -c "  page " "$folder/out")" = 5 ] || fail "protocols"
grep -q "refused .*it forks" "$folder/out" || fail "protocols does not say what is refused"
echo "family: three protocols ordered requests over the death of a leader; one is refused"
