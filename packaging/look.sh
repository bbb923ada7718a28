# Sourced between two steps of docs/guide/operate.md, where validators run under systemd: is the unit as
# hard as it says, and does a validator that is killed, or whose home is wrong, do what an operator expects?
look_fail() {
    echo "FAILED: $*"
    exit 1
}
for name in node0 node1 node2 spare3; do
    [ "$(systemctl show -P User "synod@$name")" = synod ] || look_fail "$name runs as another user"
    [ "$(stat -c %a "/var/lib/synod/$name")" = 700 ] || look_fail "$name: others may look into its home"
done
pid=$(systemctl show -P MainPID synod@node0)
grep -q '^CapEff:[[:space:]]*0000000000000000$' "/proc/$pid/status" || look_fail "node0 has capabilities"
grep -q '^NoNewPrivs:[[:space:]]*1$' "/proc/$pid/status" || look_fail "node0 may get privileges"
grep -q '^Seccomp:[[:space:]]*2$' "/proc/$pid/status" || look_fail "node0 is not under a filter of system calls"
systemd-analyze security --threshold=20 --no-pager synod@node0 > /tmp/score || look_fail "exposure: $(tail -n 1 /tmp/score)"
echo "look: $(grep Overall /tmp/score | tr -cd ' -~')"
systemctl status --no-pager synod@node0 | grep 'Status: "member 0 of the 4 of chain synod"' ||
    look_fail "node0 does not say what it is"

# Killed, it is started again, and catches up.
systemctl kill -s KILL synod@node0
for try in $(seq 60); do
    [ "$(systemctl show -P NRestarts synod@node0)" = 1 ] && systemctl is-active -q synod@node0 && break
    sleep 1
done
wait_for_all || look_fail "node0 is not back after a kill"
[ "$(systemctl show -P NRestarts synod@node0)" = 1 ] || look_fail "node0 was not restarted"

# A watchdog of two seconds leaves a validator alone that runs, and finds one that hangs.
mkdir -p /run/systemd/system/synod@node1.service.d
printf '[Service]\nWatchdogSec=2\nWatchdogSignal=SIGKILL\n' > /run/systemd/system/synod@node1.service.d/short.conf
systemctl daemon-reload
systemctl restart synod@node1
sleep 6
[ "$(systemctl show -P NRestarts synod@node1)" = 0 ] || look_fail "the watchdog killed a validator that lives"
systemctl kill -s STOP synod@node1
for try in $(seq 60); do
    [ "$(systemctl show -P NRestarts synod@node1)" != 0 ] && break
    sleep 1
done
systemctl show -P NRestarts synod@node1 | grep -qx 1 || look_fail "the watchdog did not find a validator that hangs"
wait_for_all || look_fail "node1 is not back after it hung"

# A home that is not there is one sentence in the journal, and no endless loop.
systemctl start synod@nowhere && look_fail "a home that is not there starts"
journalctl --no-pager -u synod@nowhere | grep 'nowhere' | grep -q 'synod node: ' || look_fail "nothing says why"
systemctl stop synod@nowhere
rmdir /var/lib/synod/nowhere
echo "look: killed and restarted, hung and restarted, refused a home that is none"
