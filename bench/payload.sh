#!/bin/sh
# Both payload strategies on real validators of this machine: the table of docs/protocols/payload.md.
#   SYNOD_BIN=build/release/synod bench/payload.sh [MEMBERS ...]      (4 7 10)
# One client, that is one session: with `certified` all its requests go into the lane of one member. The
# columns are those of docs/guide/bench.md; alone: one signed request at a time. SECONDS_EACH=4, PORT.
set -eu
seconds=${SECONDS_EACH:-4}
port=${PORT:-7930}
[ $# -gt 0 ] || set -- 4 7 10

# value KEY JSON: of the first that has this name; those of the whole run come before its parts
value() {
    printf '%s' "$2" | tr -d '{}"\n' | tr ',' '\n' |
        awk -F: -v key="$1" '$1 == key && !seen { print $2; seen = 1 }'
}

bench() {
    "$SYNOD_BIN" bench --duration "${seconds}s" --port "$port" --json --n "$members" \
        --strategy "$strategy" "$@"
}

echo "| members | strategy | op/s | p50 ms | p99 ms | CPU us/op | bytes/op | journal bytes/op | op/block | alone p50 ms |"
echo "|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|"
for members in "$@"; do
    for strategy in inline certified; do
        json=$(bench)
        alone=$(bench --batch 1 --outstanding 1)
        echo "$members $strategy $(value operations_per_second "$json") $(value p50_ms "$json")" \
            "$(value p99_ms "$json") $(value cpu_us_per_operation "$json")" \
            "$(value bytes_per_operation "$json") $(value journal_bytes_per_operation "$json")" \
            "$(value operations_per_block "$json") $(value p50_ms "$alone")" |
            awk '{ printf "| %d | %s | %.0f | %.1f | %.1f | %.2f | %.0f | %.0f | %.0f | %.2f |\n",
                $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 }'
    done
done
