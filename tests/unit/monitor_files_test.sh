#!/bin/sh
# The alerts and the dashboard name metrics that there are, by docs/guide/monitor.md (which a scrape
# is held against in loopback.node_api); each alert is explained there and has a test.
set -u
cd "$SYNOD_SOURCE" || exit 1
guide=docs/guide/monitor.md rules=packaging/prometheus/synod.rules.yml
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
names=$(cat "$rules" packaging/grafana/synod.json | grep -oE '\b(synod|process)_[a-z_]+\b' |
    sed -E 's/_(bucket|sum|count)$//' | sort -u)
[ "$(echo "$names" | wc -l)" -gt 20 ] || fail "no names found"
for name in $names; do
    grep -q "^| \`$name\` |" "$guide" || fail "$name is no metric of $guide"
done
alerts=$(sed -n 's/.*- alert: //p' "$rules")
[ "$(echo "$alerts" | wc -l)" -gt 10 ] || fail "no alerts found"
for alert in $alerts; do
    grep -q "^| $alert |" "$guide" || fail "$guide does not explain $alert"
    [ "$(grep -c "alertname: $alert\$" packaging/prometheus/synod.test.yml)" -ge 2 ] ||
        fail "$alert has no two tests"
done
for alert in $(sed -n 's/^| \(Synod[A-Za-z]*\) |.*/\1/p' "$guide"); do
    echo "$alerts" | grep -qx "$alert" || fail "$guide explains $alert, which there is not"
done
lua=$(command -v lua5.4 || command -v lua)
"$lua" -e 'package.path = "tools/?.lua;" .. package.path
local file = assert(io.open("packaging/grafana/synod.json"))
local board = require("json").decode(file:read("a"))
assert(#board.panels > 10 and board.templating.list[2].name == "job")' || fail "the dashboard"
[ "$failures" = 0 ] && echo "all as expected"
exit "$failures"
