#!/bin/sh
# make bench: the floors, then the real thing at three sizes and three batches, all in one run on one
# machine, so that ratios can be quoted. SECONDS_EACH=3 by default.
set -eu
here=$(dirname "$SYNOD_BIN")
seconds=${SECONDS_EACH:-3}
echo "floors: the least that four replicas with a client spend (see bench/floors.c)"
"$here/bench/floors" --seconds "$seconds" --payload 128 --batch 100
"$here/bench/floors" --seconds "$seconds" --payload 128 --batch 100 --fsync
one() {
    "$SYNOD_BIN" bench --duration "${seconds}s" --port 7950 --json "$@" |
        tr -d '{}"' | tr ',' '\n' | awk -F: -v what="$*" '
            { value[$1] = $2 }
            END { printf "%-52s %9s %9s %9s %9s %11s %10s\n", what, value["operations_per_second"],
                  value["p50_ms"], value["p99_ms"], value["cpu_us_per_operation"],
                  value["operations_per_block"], value["syncs_per_block"] }'
}
echo
echo "synod, four validators and a client on this machine, fsync on, 100,000 keys"
printf "%-52s %9s %9s %9s %9s %11s %10s\n" "" "op/s" "p50 ms" "p99 ms" "CPU us/op" "op/block" "sync/block"
one --app null --size 0 --batch 100
one --app null --size 128 --batch 100
for size in 0 128 1024; do
    for batch in 1 16 100; do
        one --app kv --size "$size" --batch "$batch"
    done
done
one --app kv --size 128 --batch 1 --outstanding 1
