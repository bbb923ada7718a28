#!/bin/sh
# The largest operation, and one byte more, on four validators: what fits into a request is ordered and
# read back whole; what does not is refused before anything is sent, with both numbers. With the
# default of 1 MiB, where the request is bounded, and with small blocks, where the block is.
set -u
folder=$(mktemp -d)
up=""
finish() {
    [ "$up" != "" ] && kill -TERM "$up" 2> /dev/null
    wait
    rm -rf "$folder"
}
trap finish EXIT
fail() {
    echo "FAILED: $*"
    cat "$folder/said" "$folder/up" 2> /dev/null | tail -n 20
    exit 1
}
synod=$SYNOD_BIN

# record KEY SIZE: a line with a value of so many bytes
record() {
    printf '%s\t' "$1"
    head -c "$2" /dev/zero | tr '\0' 'v'
    printf '\n'
}

# limits PORT HOME MOST OPTION...: of an operation at most MOST bytes, of which a set needs 7 itself
limits() {
    port=$1 home=$folder/$2 most=$3
    shift 3
    "$synod" testnet --home "$home" --port "$port" "$@" > /dev/null || fail "testnet"
    "$synod" up --home "$home" > "$folder/up" 2>&1 &
    up=$!
    room=$((most - 7 - 4)) # keys of four letters
    { record less $((room - 1)); record most "$room"; } > "$folder/records"
    timeout 60 "$synod" load --home "$home" --verify "$folder/records" > "$folder/said" 2>&1 ||
        fail "$*: up to $most bytes"
    grep -q "2 records read back, 0 differ" "$folder/said" || fail "$*: read back"
    { record good 10; record more $((room + 1)); } > "$folder/records"
    timeout 60 "$synod" load --home "$home" "$folder/records" > "$folder/said" 2>&1 && fail "$*: more"
    grep -q "more: key and value have $((room + 5)) bytes, this chain takes at most $((most - 7))" \
        "$folder/said" || fail "$*: the sentence"
    timeout 20 "$synod" query --home "$home" get good > "$folder/said" 2>&1
    grep -q absent "$folder/said" || fail "$*: something was sent"
}
stop() {
    kill -TERM "$up"
    wait "$up"
    up=""
}

limits 8060 large $((1048576 - 96))
stop
limits 8070 small $((8192 - 96)) --payload 8192
value=$(head -c $((8192 - 96 - 7 - 4)) /dev/zero | tr '\0' 'v')
timeout 20 "$synod" submit --home "$home" set word "$value" > "$folder/said" 2>&1 || fail "submit: the most"
timeout 20 "$synod" submit --home "$home" set word "${value}v" > "$folder/said" 2>&1 && fail "submit: more"
grep -q "the operation has 8097 bytes, this chain takes at most 8096" "$folder/said" ||
    fail "submit: the sentence"
stop
echo "what fits is kept, what does not is refused by number"
