#!/bin/sh
# synod bench: wrong flags are refused with a sentence; the load is the one that was asked for; a
# killed leader shows as a gap and what comes back as recovery; a liar shows too. What is told as
# text, as JSON and as a page is the same, and the page is well-formed.
set -u
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
synod=$SYNOD_BIN
faults=$SYNOD_BUILD/synod_faults
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
refuse() {
    text=$1
    shift
    code=0
    said=$(timeout 20 "$synod" bench "$@" 2>&1) || code=$?
    case $said in *"$text"*) ;; *) code="$code, said: $said" ;; esac
    [ "$code" = 2 ] || fail "bench $*: exit $code, expected 2 and: $text"
}
refuse "is not a size" --size 1..
refuse "is not a percentage" --reads 101
refuse "is not uniform" --spread zipf:0
refuse "keeps nothing" --reads 5 --app null
refuse "would not fit" --reads 5 --size 4k
refuse "from 1 to 10M" --keys 0
refuse "--kill" --kill leader
refuse "--kill" --kill 4@1s
refuse "--kill" --kill leader@5s
refuse "--kill" --kill leader@1s,
refuse "--kill" --kill leader@1s,2@x
refuse "nothing was killed" --restart leader@1s
refuse "nothing was killed" --restart 1@1s --kill 1@2s
refuse "--byzantine" --byzantine 1@1s
refuse "--byzantine" --byzantine 1:frobnicate@1s
refuse "--interval" --interval 1us
refuse "leave --home away" --home "$folder"
grep -q '^SYNOD_FAULT_HOOKS:BOOL=ON' "$SYNOD_BUILD/CMakeCache.txt" ||
    refuse "no fault hooks" --byzantine 1:equivocate@1s
code=0
timeout 20 "$synod" bench --html /nonexistent/page.html > "$folder/out" 2>&1 || code=$?
[ "$code" = 1 ] && grep -q /nonexistent/page.html "$folder/out" || fail "a page that cannot be written"

timeout 60 "$synod" bench --port 7730 --view-timeout 300ms --rate 500 --batch 5 --duration 3s \
    --keys 200 --reads 30% --size 40..90 --spread zipf:1 --interval 50ms --kill leader@500ms \
    --restart leader@1500ms --json --html "$folder/kill.html" > "$folder/kill.json" ||
    fail "a bench over the death of the leader"
timeout 60 "$faults" bench --port 7740 --view-timeout 300ms --rate 500 --batch 5 --duration 2s \
    --keys 200 --byzantine leader:equivocate@500ms --html "$folder/lie.html" > "$folder/lie.text" ||
    fail "a bench over a liar"
code=0
timeout 60 "$synod" bench --port 7750 --rate 100 --batch 1 --duration 500ms --keys 10 \
    --kill 1@100ms,1@200ms > "$folder/out" 2>&1 || code=$?
[ "$code" = 1 ] && grep -q "1 of 2 strikes found nobody" "$folder/out" || fail "a second kill"
for page in kill lie; do
    xmllint --noout "$folder/$page.html" || fail "$page.html is not well-formed"
    grep -qi 'src=\|href=\|url(\|<script' "$folder/$page.html" && fail "$page.html wants more"
done
cd "$SYNOD_SOURCE" && lua5.4 tests/loopback/bench_check.lua "$folder" || fail "figures"
[ "$failures" = 0 ] || head -c 3000 "$folder/kill.json" "$folder/lie.text"
exit "$failures"
