#!/bin/sh
# make bench: the real thing at three sizes and three batches beside the floors (bench/floors.c) with
# blocks of as many operations, all in one run on one machine, so that ratios can be quoted; then the
# share of each stage, latency at low load, and slow disks. docs/guide/bench.md explains the columns.
# SECONDS_EACH=4 by default: about six minutes in all.
set -eu
floors=$(dirname "$SYNOD_BIN")/bench/floors
seconds=${SECONDS_EACH:-4}
port=${PORT:-7950}
row="%-20s %8s %8s %8s %8s %8s %8s %8s %6s  %6s %6s %6s %6s\n"

# value KEY JSON: of the first that has this name; those of the whole run come before its parts
value() {
    printf '%s' "$2" | tr -d '{}"\n' | tr ',' '\n' |
        awk -F: -v key="$1" '$1 == key && !seen { print $2; seen = 1 }'
}

bench() {
    program=$1
    shift
    "$program" bench --duration "${seconds}s" --port "$port" --json "$@"
}

# CPU of one floor with so many operations a block as the run before had: the client keeps twice as
# many batches under way as a block has, for one block is under way while the next collects.
floor() {
    under_way=$(awk -v n="$3" 'BEGIN { n = int(2 * n + 0.5); print (n < 2 ? 2 : n > 4096 ? 4096 : n) }')
    value cpu_us_per_operation "$("$floors" --floor "$1" --seconds 1.5 --fsync --json \
        --payload "$2" --batch "$4" --outstanding "$under_way" | grep '"floor"')"
}

one() {
    app=$1 size=$2 batch=$3
    shift 3
    json=$(bench "$SYNOD_BIN" --app "$app" --size "$size" --batch "$batch" "$@")
    requests=$(value requests_per_block "$json")
    cpu=$(value cpu_us_per_operation "$json")
    bytes=$((size < 24 ? 24 : size))
    c=$(floor C "$bytes" "$requests" "$batch")
    # shellcheck disable=SC2059
    printf "$row" "$app $size B x $batch" "$(value operations_per_second "$json")" \
        "$(value p50_ms "$json")" "$(value p99_ms "$json")" "$cpu" \
        "$(value bytes_per_operation "$json")" "$(value journal_bytes_per_operation "$json")" \
        "$(value operations_per_block "$json")" "$(value syncs_per_block "$json")" \
        "$(floor A "$bytes" "$requests" "$batch")" "$(floor B "$bytes" "$requests" "$batch")" "$c" \
        "$(awk -v a="$cpu" -v b="$c" 'BEGIN { printf "%.1f", a / b }')"
}

date -u +"%Y-%m-%d %H:%M UTC, $(nproc) processors, $(uname -sr)"
echo "four validators and a client on this machine, fsync on, 100,000 keys, 64 requests under way;"
echo "CPU and bytes are over all processes, floors are CPU us/op at as many operations a block"
# shellcheck disable=SC2059
printf "$row" "" op/s "p50 ms" "p99 ms" "CPU us" "bytes" "disk B" "op/" "sync/" "floor" "floor" \
    "floor" "CPU/"
# shellcheck disable=SC2059
printf "$row" "" "" "" "" "/op" "/op" "/op" "block" "block" "A" "B" "C" "C"
for size in 0 128 1024; do
    for batch in 1 16 100; do
        one kv "$size" "$batch"
    done
done
one null 0 100
one null 128 100

echo
echo "one request at a time, and 2,000 requests a second (open loop)"
for load in "--outstanding 1" "--rate 2000"; do
    # shellcheck disable=SC2086
    json=$(bench "$SYNOD_BIN" --app kv --size 128 --batch 1 $load)
    printf "%-20s p50 %s ms  p90 %s ms  p99 %s ms\n" "$load" "$(value p50_ms "$json")" \
        "$(value p90_ms "$json")" "$(value p99_ms "$json")"
done

if [ -x "${SYNOD_HOOKED:-}" ]; then
    echo
    echo "syncs that take so much longer (build with fault hooks), kv 128 B x 100"
    for delay in 1ms 5ms 10ms; do
        json=$(bench "$SYNOD_HOOKED" --app kv --size 128 --batch 100 --sync-delay "$delay")
        printf "%-6s op/s %s  p50 %s ms  p99 %s ms  CPU us/op %s  op/block %s  sync/block %s\n" \
            "$delay" "$(value operations_per_second "$json")" "$(value p50_ms "$json")" \
            "$(value p99_ms "$json")" "$(value cpu_us_per_operation "$json")" \
            "$(value operations_per_block "$json")" "$(value syncs_per_block "$json")"
    done
fi

# Ten seconds, so that state roots (every 256 blocks) have their share.
echo
for app in kv null; do
    "$SYNOD_BIN" bench --duration 10s --port "$port" --app "$app" --stages
done
