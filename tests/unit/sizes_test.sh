#!/bin/sh
# The tables of sizes and faults, and of leaders, in docs/guide/bench.md are what tools/sizes.lua makes
# of the figures that are kept, and of figures made up here it makes what they say.
set -eu
cd "$SYNOD_SOURCE"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tool="lua5.4 tools/sizes.lua"
cp docs/guide/bench.md "$folder/bench.md"
for name in sizes leaders; do
    $tool page docs/guide/$name.json $name "$folder/bench.md"
done
cmp "$folder/bench.md" docs/guide/bench.md

run() { # CONDITION PROTOCOL N DEAD VIEWS OUTSTANDING OPS P50 FAILED
    printf '%s\t{"protocol":"%s","n":%s,"dead":%s,"leader_views":%s,"outstanding":%s,' "$1" "$2" "$3" \
        "$4" "$5" "$6"
    printf '"operations_per_second":%s,"p50_ms":%s,"failed":%s,"p99_ms":90,"view_changes":2,' "$7" "$8" "$9"
    printf '"cpu_us_per_operation":8,"events":[{"what":"delay"}],"series":[{"p50_ms":1}]}\n'
}
table() { # of the runs that were noted
    $tool collect "$folder/lines" "$folder/found.json"
    $tool table "$folder/found.json" > "$folder/table"
}
expect() { # a line of the table
    grep -qxF "$1" "$folder/table" || {
        echo "missing: $1"
        cat "$folder/table"
        exit 1
    }
}
{
    printf 'head\t2026-01-02, 2 processors\n'
    run healthy a-chain 4 0 0 64 1234567 20 0
    run healthy a-chain 4 0 0 1 300 2.25 0
    run dead a-chain 7 2 0 64 1000 25 1
    run dead a-chain 7 2 0 1 200 3 0
} > "$folder/lines"
table
expect "| validators | with | op/s | p50 ms | CPU us/op | alone p50 ms | alone p99 ms | view changes |"
expect "| 4 | healthy | 1,234,567 | 20.0 | 8.00 | 2.25 | 90.00 | 4 |"
expect "| 7, 2 dead | f dead | 1,000 | 25.0 | 8.00 | 3.00 | 90.00 | 4, 1 failed |"
# what differs is a column: here protocols and leaders, and no sizes
{
    printf 'head\t2026-01-02, 2 processors\n'
    run healthy a-chain 4 0 0 64 900 20 0
    run healthy a-chain 4 0 0 1 300 2 0
    run late b-chain 4 0 1 64 800 20 0
    run late b-chain 4 0 1 1 300 402 0
} > "$folder/lines"
table
expect "| \`a-chain\` | stays | healthy | 900 | 20.0 | 8.00 | 2.00 | 90.00 | 4 |"
expect "| \`b-chain\` | every view | leader just below the time-out (+) | 800 | 20.0 | 8.00 | 402.00 | 90.00 | 4 |"
printf 'before\n<!-- x -->\nold\n<!-- /x -->\nafter\n' > "$folder/page"
$tool page "$folder/found.json" x "$folder/page"
[ "$(head -n 2 "$folder/page" | tail -n 1)" = "<!-- x -->" ] && [ "$(tail -n 1 "$folder/page")" = after ]
grep -q old "$folder/page" && exit 1
code=0
$tool frobnicate 2> "$folder/out" || code=$?
[ "$code" = 2 ]
