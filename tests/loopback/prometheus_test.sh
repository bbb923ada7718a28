#!/bin/bash
# A real Prometheus scrapes four validators: all four are up and the height rises; promtool finds
# nothing wrong with the metrics; each alert fires when it should. Run by sh, goes on as bash for
# /dev/tcp: nothing else that speaks HTTP need be installed.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
synod=$SYNOD_BIN source=$SYNOD_SOURCE
PATH=$PATH:$source/build/prometheus
command -v promtool > /dev/null && command -v prometheus > /dev/null || {
    echo "skipped: neither prometheus nor promtool here; tools/setup --test gets them"
    exit 77
}
folder=$(mktemp -d)
up= prometheus=
end() {
    [ -z "$prometheus" ] || kill -TERM "$prometheus" 2> /dev/null
    [ -z "$up" ] || kill -TERM "$up" 2> /dev/null
    wait
    rm -rf "$folder"
}
trap end EXIT
fail() {
    echo "FAILED: $*"
    tail -n 20 "$folder"/*.log 2> /dev/null
    exit 1
}

# get PORT PATH: the body of a page; HTTP/1.0, so that it ends with the connection
get() {
    exec 3<> "/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&3
    sed '1,/^\r*$/d' <&3
    exec 3>&-
}

# query EXPRESSION: the values of an instant query, one a line
query() {
    get "$web" "/api/v1/query?query=$1" | grep -o '"value":\[[^]]*\]' | sed 's/.*,"//; s/".*//'
}

# ---- rules
rules=$source/packaging/prometheus
promtool check rules "$rules/synod.rules.yml" > "$folder/rules.log" || fail "the rules are wrong"
promtool test rules "$rules/synod.test.yml" > "$folder/tests.log" || fail "an alert fires wrongly"

# ---- four validators and a Prometheus
port=8310 web=8399
"$synod" testnet --home "$folder/net" --port "$port" > /dev/null || fail "testnet"
"$synod" up --home "$folder/net" > "$folder/up.log" 2>&1 &
up=$!
for _ in $(seq 100); do
    grep -q ready "$folder/up.log" && break
    sleep 0.1
done
get $((port + 50)) /metrics > "$folder/metrics"
promtool check metrics < "$folder/metrics" > "$folder/check.log" 2>&1 || fail "the metrics page"
[ -s "$folder/check.log" ] && fail "promtool warns of the metrics page"

mkdir "$folder/prometheus"
cp "$rules/synod.rules.yml" "$folder/prometheus"
sed "s/: 5s/: 1s/; s/:715\\([0-3]\\)/:836\\1/g" "$rules/prometheus.yml" > "$folder/prometheus/prometheus.yml"
promtool check config "$folder/prometheus/prometheus.yml" > "$folder/config.log" || fail "prometheus.yml"
(cd "$folder/prometheus" && exec prometheus --config.file=prometheus.yml \
    --storage.tsdb.path=data --web.listen-address=127.0.0.1:$web) > "$folder/prometheus.log" 2>&1 &
prometheus=$!
for _ in $(seq 100); do
    count=$(query up 2> /dev/null | grep -c '^1$')
    [ "$count" = 4 ] && break
    sleep 0.2
done
[ "$count" = 4 ] || fail "Prometheus sees $count of four validators up"

before=$(query 'min(synod_final_height)')
for word in a b c; do
    "$synod" submit --home "$folder/net" set "$word" "$word" > /dev/null || fail "submit"
done
for _ in $(seq 50); do
    after=$(query 'min(synod_final_height)')
    [ "${after:-0}" -ge $((${before:-0} + 3)) ] && break
    sleep 0.2
done
[ "${after:-0}" -ge $((${before:-0} + 3)) ] || fail "the height does not rise: $before, then $after"
[ "$(query 'sum(synod_members_missing)')" = 0 ] || fail "somebody is missing"
alerts=$(get "$web" /api/v1/alerts)
case $alerts in
*'"alerts":[]'*) ;;
*) fail "a healthy cluster has alerts: $alerts" ;;
esac
echo "four up, heights $before to $after, $(grep -c '^# TYPE' "$folder/metrics") families, no alert"
