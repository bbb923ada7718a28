#!/bin/sh
# make bench: the real thing at three sizes and three batches beside the floors (bench/floors.c) with
# blocks of as many operations, all in one run on one machine, so that ratios can be quoted; then
# each protocol beside the others; then the share of each stage, latency at low load, and slow disks.
# docs/guide/bench.md explains the columns. SECONDS_EACH=4 by default: about nine minutes in all.
#   make bench ARGS=variants         the protocols only, three minutes
#   make bench ARGS=sizes            n = 4, 7, 10, 16: healthy, f dead, a slow member, a leader just
#                                    below the time-out; four minutes
#   make bench ARGS=leaders          each protocol whose leader stays, or goes each view, healthy and
#                                    with such a leader; five minutes
#                                    protocol=NAME, n=N: of one only (sizes: hotstuff unless said)
#   make bench ARGS="variants keep"  and puts what was found into docs/guide and its page (so do the
#                                    other two)
set -eu
floors=$(dirname "$SYNOD_BIN")/bench/floors
seconds=${SECONDS_EACH:-4}
port=${PORT:-7950}
only=all keep=no protocol='' n=''
for word in "$@"; do
    case $word in
    variants | sizes | leaders) only=$word ;;
    protocol=*) protocol=${word#*=} ;;
    n=*) n=${word#*=} ;;
    keep) keep=yes ;;
    *)
        echo "bench: there is no \"$word\"; there are variants, sizes, leaders," \
            "protocol=NAME, n=N and keep" >&2
        exit 2
        ;;
    esac
done
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

# begin NAME: where lines and results of it go
begin() {
    here=$(dirname "$0")
    lines=$(dirname "$SYNOD_BIN")/$1.lines results=$(dirname "$SYNOD_BIN")/$1.json
    load=$(cut -d' ' -f1 /proc/loadavg)
    printf 'head\t%s, %s processors, load %s before it\n' "$(date -u +"%Y-%m-%d")" "$(nproc)" \
        "$load" > "$lines"
}

protocols() {
    "$SYNOD_BIN" protocols --json | lua5.4 "$here/variants.lua" names
}

# Each protocol that may run: closed loop beside the floors, one request at a time, the leader killed,
# and latency at the same rates for all, parts of what the first one answers in closed loop.
variants() {
    begin variants
    most=
    for name in $(protocols); do
        echo "measuring $name" >&2
        variant "$name"
    done
    lua5.4 "$here/variants.lua" collect "$lines" "$results"
    lua5.4 "$here/variants.lua" svg "$results" > "${results%.json}.svg"
    echo "each protocol, kv 128 B x 100, 64 requests under way; CPU beside floor C at as many operations a"
    echo "block; one request at a time; and the longest pause when the leader is killed under 2,000 op/s"
    lua5.4 "$here/variants.lua" table "$results"
    echo "picture: ${results%.json}.svg"
    [ "$keep" = no ] && return
    cp "$results" "${results%.json}.svg" "$here/../docs/guide/"
    lua5.4 "$here/variants.lua" readme "$results" "$here/../README.md"
}

# end NAME: the table of these lines, and its place in the page
end() {
    lua5.4 "$here/sizes.lua" collect "$lines" "$results"
    lua5.4 "$here/sizes.lua" table "$results"
    [ "$keep" = no ] && return
    cp "$results" "$here/../docs/guide/"
    lua5.4 "$here/sizes.lua" page "$results" "$1" "$here/../docs/guide/bench.md"
}

# under CONDITION FLAGS...: closed loop, and one request at a time
under() {
    condition=$1 program=$SYNOD_BIN
    shift
    case $condition in slow | late) program=$SYNOD_HOOKED ;; esac
    [ -x "$program" ] || return 0
    echo "measuring $condition: $*" >&2
    for load in "--batch 100" "--batch 1 --outstanding 1"; do
        # shellcheck disable=SC2086
        json=$(bench "$program" --app kv --size 128 --keys 10000 $load "$@") || [ -n "$json" ]
        printf '%s\t%s\n' "$condition" "$(printf '%s' "$json" | tr -d '\n')" >> "$lines"
    done
}

# A block of a leader just below the time-out takes 0.4 s: three times as long, to have some of them.
under_late_leader() {
    seconds=$((3 * seconds))
    under late --byzantine leader:delay@0s "$@"
    seconds=$((seconds / 3))
}

sizes() {
    begin sizes
    for size in ${n:-4 7 10 16}; do
        set -- --protocol "${protocol:-hotstuff}" --n "$size"
        under healthy "$@"
        under dead --dead $(((size - 1) / 3)) "$@"
        under slow --byzantine "$((size - 1)):slow=20ms@0s" "$@"
        under_late_leader "$@"
    done
    end sizes
}

leaders() {
    begin leaders
    for name in ${protocol:-$(protocols)}; do
        for views in 0 1; do
            set -- --protocol "$name" --n "${n:-4}" --leader-views "$views"
            under healthy "$@"
            under_late_leader "$@"
        done
    done
    end leaders
}

# note KIND FLAGS...: one run, kept; `json` is what it said. Where operations failed it says so itself
note() {
    kind=$1
    shift
    json=$(bench "$SYNOD_BIN" --app kv --size 128 --keys 10000 "$@") || [ -n "$json" ]
    printf '%s\t%s\n' "$kind" "$(printf '%s' "$json" | tr -d '\n')" >> "$lines"
}

variant() {
    note closed --protocol "$1" --batch 100
    c=$(floor C 128 "$(value requests_per_block "$json")" 100)
    printf 'floor\t{"protocol":"%s","floor_c_us":%s}\n' "$1" "$c" >> "$lines"
    [ -n "$most" ] || most=$(value operations_per_second "$json")
    note alone --protocol "$1" --batch 1 --outstanding 1
    note kill --protocol "$1" --batch 10 --rate 2000 --duration 3s --kill leader@1s
    for percent in 5 20 40 60 80; do
        note curve --protocol "$1" --batch 100 --rate $((most * percent / 100))
    done
}

if [ "$only" != all ]; then
    [ "$only" = variants ] || seconds=${SECONDS_EACH:-2}
    $only
    exit 0
fi

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
variants
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
