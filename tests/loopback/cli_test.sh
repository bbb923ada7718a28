#!/bin/sh
# Bad input at the command line and in a home: a clear sentence, the right exit code, no crash.
set -u
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

# expect CODE TEXT COMMAND...: exit code, and a piece of what it must say
expect() {
    code=$1 text=$2
    shift 2
    said=$(timeout 20 "$@" 2>&1)
    got=$?
    if [ "$got" != "$code" ] || ! printf '%s' "$said" | grep -q -- "$text"; then
        echo "FAILED: $* -> exit $got (expected $code), said: $said (expected: $text)"
        failures=$((failures + 1))
    fi
}

synod=$SYNOD_BIN
expect 0 "usage: synod VERB" "$synod"
expect 2 "unknown verb" "$synod" frobnicate
for verb in demo up init testnet node submit query load status doctor bench sim protocols; do
    expect 0 "example" "$synod" "$verb" --help
done
expect 2 "unknown option --frobnicate" "$synod" status --frobnicate
expect 2 "needs a value" "$synod" status --home
expect 2 "is not a duration" "$synod" status --timeout soon
expect 2 "say which chain" "$synod" status
expect 1 "no genesis there" "$synod" status --home "$folder/nowhere"
expect 2 "name the node" "$synod" node
expect 1 "nowhere" "$synod" node --home "$folder/nowhere"
expect 2 "there is no \"paxos\"" "$synod" testnet --home "$folder/a" --protocol paxos
expect 2 "from 1 to 200" "$synod" testnet --home "$folder/a" --n 0
expect 0 "homes of 4 validators" "$synod" testnet --home "$folder/net" --port 7930
expect 1 "net" "$synod" testnet --home "$folder/net" --port 7930 # there is something already
expect 1 "parameters.state_bytes_max is 1024, possible are 4096 to 4294967296" \
    "$synod" init --home "$folder/b" --state 1k
expect 2 "null has no such bound" "$synod" init --home "$folder/b" --state 1M --app null
expect 0 "of one member" "$synod" init --home "$folder/b" --state 1M
expect 0 ":[[:space:]]*1048576" grep state_bytes_max "$folder/b/genesis.json"
expect 2 "only get and scan" "$synod" query --home "$folder/net" set a b
expect 2 "unknown operation" "$synod" submit --home "$folder/net" frob
expect 1 "does not answer" "$synod" status --home "$folder/net" --timeout 300ms
expect 1 "no answer of f+1" "$synod" query --home "$folder/net" --timeout 1s get a

# attack K7: a key file that others can read
chmod 644 "$folder/net/node0/node_key"
expect 1 "node_key" "$synod" node --home "$folder/net/node0"
chmod 600 "$folder/net/node0/node_key"

# a damaged genesis, a damaged configuration
cp "$folder/net/node0/genesis.json" "$folder/genesis"
sed -i 's/"weight"/"wait"/' "$folder/net/node0/genesis.json"
grep -q wait "$folder/net/node0/genesis.json" ||
    sed -i 's/"members"/"embers"/' "$folder/net/node0/genesis.json"
expect 1 "genesis.json" "$synod" node --home "$folder/net/node0"
cp "$folder/genesis" "$folder/net/node0/genesis.json"
cp "$folder/net/node0/config" "$folder/config"
echo "frobnicate = 1" >> "$folder/net/node0/config"
expect 1 "frobnicate" "$synod" node --home "$folder/net/node0"
cp "$folder/config" "$folder/net/node0/config"

# attack F13: a second process on one home; and a port that is taken
"$synod" node --home "$folder/net/node1" 2> "$folder/log" &
node=$!
sleep 1
expect 1 "another process" "$synod" node --home "$folder/net/node1"
sed 's/7930/7931/' "$folder/net/node0/config" > "$folder/config1"
cp "$folder/config1" "$folder/net/node0/config"
expect 1 "7931" "$synod" node --home "$folder/net/node0"
kill -TERM "$node"
wait "$node" || { echo "FAILED: a validator that was asked to stop exits with $?"; failures=1; }

# two local chains beside each other: who names no port finds room
for name in one two; do
    "$synod" up --home "$folder/$name" > "$folder/$name.out" 2>&1 &
    eval "$name=$!"
    for i in $(seq 100); do
        grep -q ready "$folder/$name.out" && break
        sleep 0.1
    done
    expect 0 "ok" "$synod" submit --home "$folder/$name" set who "$name"
done
expect 0 "one" "$synod" query --home "$folder/one" get who
kill -TERM "$one" "$two"
wait "$one" && wait "$two" || { echo "FAILED: a local chain ends with $?"; failures=1; }

# records that are none
printf 'no tab here\n' > "$folder/records"
expect 1 "line 1" "$synod" load --home "$folder/net" "$folder/records"
expect 2 "name one FILE" "$synod" load --home "$folder/net"

[ "$failures" = 0 ] && echo "all as expected"
exit "$failures"
