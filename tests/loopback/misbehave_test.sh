#!/bin/sh
# synod bench --dead and --byzantine (node/misbehave.h) do what they say: wrong words are refused; a
# slow member is felt by all when its vote is needed; a leader just below the time-out makes every
# request late and is not replaced (attack P11), a silent one is; a member that is left out does not
# vote. Three chains side by side, under little load.
. "$SYNOD_SOURCE/tests/loopback/bench.sh"
refuse "$faults" "fewer than a third" --dead 2
refuse "$faults" "fewer than a third" --n 6 --dead 2
for wrong in slow slow=0ms slow=11s slow=20 delay= delay=0% delay=80 delay=201% equivocate=1 silence; do
    refuse "$faults" "is not 1:HOW@5s" --byzantine "1:$wrong@1s"
done
refuse "$faults" "is not 1:HOW@5s" --byzantine 1:slow=20ms
hooks_in_all || for way in equivocate withhold silent delay slow=20ms; do
    refuse "$synod" "no fault hooks" --byzantine "1:$way@1s"
done

run() { # NAME PORT FLAGS...: one request at a time
    name=$1 port=$2
    shift 2
    timeout 60 "$faults" bench --port "$port" --keys 100 --batch 1 --outstanding 1 --json \
        --interval 100ms "$@" > "$folder/$name.json" 2> "$folder/$name.err"
    echo $? > "$folder/$name.code"
}
run slow 8110 --dead 1 --view-timeout 2s --byzantine 1:slow=100ms@500ms --duration 2s &
run delay 8120 --view-timeout 1s --duration 4500ms \
    --byzantine leader:delay=40%@300ms,leader:silent@2s &
run withhold 8130 --dead 1 --view-timeout 300ms --byzantine leader:withhold@300ms --duration 2s &
wait
for name in slow delay withhold; do
    [ "$(cat "$folder/$name.code")" = 0 ] || fail "$name: $(cat "$folder/$name.err")"
done
cd "$SYNOD_SOURCE" && lua5.4 tests/loopback/misbehave_check.lua "$folder" || fail "figures"
exit "$failures"
