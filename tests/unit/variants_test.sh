#!/bin/sh
# The picture and the README's table of protocols are what tools/variants.lua makes of the figures
# that are kept, and of figures made up here it makes what they say.
set -eu
cd "$SYNOD_SOURCE"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tool="lua5.4 tools/variants.lua"
$tool svg docs/guide/variants.json > "$folder/kept.svg"
cmp "$folder/kept.svg" docs/guide/variants.svg
cp README.md "$folder/README.md"
$tool readme docs/guide/variants.json "$folder/README.md"
cmp "$folder/README.md" README.md

row() { # KIND PROTOCOL RATE OPS P50
    printf '%s\t{"protocol":"%s","rate":%s,"operations_per_second":%s,"p50_ms":%s,"p99_ms":90,' "$@"
    printf '"failed":0,"cpu_us_per_operation":8,"bytes_per_operation":500,"operations_per_block":10,'
    printf '"events":[{"what":"view-change"},{"what":"kill","pause_ms":612.4}],"series":[{"p50_ms":1}]}\n'
}
{
    printf 'head\t2026-01-02, 2 processors\n'
    for name in a-chain b-chain; do
        row closed $name 0 123456 20
        printf 'floor\t{"protocol":"%s","floor_c_us":4}\n' $name
        row alone $name 0 300 2.25
        row kill $name 2000 2000 9
        row curve $name 40000 39000 4
        row curve $name 10000 10000 3
    done
} > "$folder/lines"
$tool collect "$folder/lines" "$folder/found.json"
$tool table "$folder/found.json" > "$folder/table"
grep -q '^b-chain  *123,456  *20.0  *90.0  *8.00  *2.0  *500  *10  *2.25  *0.61$' "$folder/table" ||
    { cat "$folder/table"; exit 1; }
$tool svg "$folder/found.json" > "$folder/found.svg"
xmllint --noout "$folder/found.svg"
[ "$(grep -c '<circle' "$folder/found.svg")" = 4 ]
# a line goes from the lower rate to the higher one, whatever the order in which they were measured
[ "$(grep -o 'd="M[0-9.]*' "$folder/found.svg" | sort -u | wc -l)" = 1 ]
printf '[{"name":"x","runs":true},{"name":"y","runs":false}]' | $tool names > "$folder/names"
[ "$(cat "$folder/names")" = x ]
code=0
$tool frobnicate 2> "$folder/out" || code=$?
[ "$code" = 2 ]
