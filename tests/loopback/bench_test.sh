#!/bin/sh
# synod bench: wrong flags are refused with a sentence; the load is the one that was asked for; a
# killed leader shows as a gap and what comes back as recovery; a liar shows too. What is told as
# text, as JSON and as a page is the same, and the page is well-formed.
. "$SYNOD_SOURCE/tests/loopback/bench.sh"
refuse "$synod" "is not a size" --size 1..
refuse "$synod" "is not a percentage" --reads 101
refuse "$synod" "is not uniform" --spread zipf:0
refuse "$synod" "keeps nothing" --reads 5 --app null
refuse "$synod" "would not fit" --reads 5 --size 4k
refuse "$synod" "from 1 to 10M" --keys 0
refuse "$synod" "--kill" --kill leader
refuse "$synod" "--kill" --kill 4@1s
refuse "$synod" "--kill" --kill leader@5s
refuse "$synod" "--kill" --kill leader@1s,
refuse "$synod" "--kill" --kill leader@1s,2@x
refuse "$synod" "nothing was killed" --restart leader@1s
refuse "$synod" "nothing was killed" --restart 1@1s --kill 1@2s
refuse "$synod" "--byzantine" --byzantine 1@1s
refuse "$synod" "--byzantine" --byzantine 1:frobnicate@1s
refuse "$synod" "--interval" --interval 1us
refuse "$synod" "leave --home away" --home "$folder"
hooks_in_all || refuse "$synod" "no fault hooks" --byzantine 1:equivocate@1s
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
# Half of the validators are dead: what was under way is told as without an answer, and is neither an
# operation of a second nor a latency, which would be the patience of bench, ten seconds.
code=0
timeout 60 "$synod" bench --port 7760 --rate 200 --batch 1 --duration 1s --keys 10 \
    --kill 2@200ms,3@200ms --json > "$folder/dead.json" 2> "$folder/out" || code=$?
[ "$code" = 1 ] || fail "a bench without an answer ended with $code"
for page in kill lie; do
    xmllint --noout "$folder/$page.html" || fail "$page.html is not well-formed"
    grep -qi 'src=\|href=\|url(\|<script' "$folder/$page.html" && fail "$page.html wants more"
done
cd "$SYNOD_SOURCE" && lua5.4 tests/loopback/bench_check.lua "$folder" || fail "figures"
[ "$failures" = 0 ] || head -c 3000 "$folder/kill.json" "$folder/lie.text"
exit "$failures"
