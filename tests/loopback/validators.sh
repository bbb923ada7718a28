# What tests that start validators one by one share, read in by `.`: a folder that goes with the test
# and all validators with it, and words for what is done with the chain in $home.
set -u
synod=$SYNOD_BIN
folder=$(mktemp -d)
nodes=""
cleanup() { :; } # a test that has more to undo says it anew
finish() {
    for node in $nodes; do kill -TERM "$node" 2> /dev/null; done
    wait
    cleanup
    rm -rf "$folder"
}
trap finish EXIT
fail() {
    echo "FAILED: $*"
    tail -n 20 "$folder"/log* "$folder"/*/log* "$folder"/out* 2> /dev/null
    exit 1
}

patience=30 # seconds that a command may take
say() { timeout "$patience" "$synod" "$@" > "$folder/out" 2>&1 || fail "$*"; }
start() { # start N: runs it, its process becomes nodeN
    "$synod" node --home "$home/node$1" 2>> "$home/log$1" &
    eval "node$1=$!"
    nodes="$nodes $!"
}
equal_roots() { # all four, also those that were dead; who is said when they are not
    for i in $(seq 49); do
        timeout 20 "$synod" status --home "$home" --json > "$folder/out" || true
        grep -o '"root":"[^"]*"' "$folder/out" > "$folder/roots"
        [ "$(wc -l < "$folder/roots")" = 4 ] && [ "$(sort -u "$folder/roots" | wc -l)" = 1 ] &&
            return 0
        sleep 0.2
    done
    fail "$1: the four have no equal roots"
}
