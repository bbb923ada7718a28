#!/bin/sh
# Four validators with journals of 32 MiB take more than that: snapshots are taken, segments are
# released, nobody stops. All are killed and come back with equal roots; one that was away until
# nobody kept its blocks comes back by state transfer; one whose snapshots are damaged says so.
. "$SYNOD_SOURCE/tests/loopback/validators.sh"
home=$folder/net

"$synod" testnet --home "$home" --port 8010 > /dev/null || fail "testnet"
for i in 0 1 2 3; do
    sed -i -e 's/^;* *journal_segments = .*/journal_segments = 16/' \
        -e 's/^;* *journal_segment_kib = .*/journal_segment_kib = 2048/' \
        -e 's/^;* *snapshot_kib = .*/snapshot_kib = 2048/' "$home/node$i/config"
    grep -q '^snapshot_kib = 2048' "$home/node$i/config" || fail "no such setting"
done

end() { # end N SIGNAL
    eval "process=\$node$1"
    kill "-$2" "$process"
    wait "$process" 2> /dev/null
}
load() { # load NAME: 3 MB under names of its own
    awk -v name="$1" 'BEGIN { for (i = 0; i < 1500; i++) printf "%s%d\t%02000d\n", name, i, i }' \
        > "$folder/records"
    timeout 100 "$synod" load --home "$home" "$folder/records" > "$folder/out" 2>&1 ||
        fail "load $1"
    sleep 0.5 # idle: a state root, and a snapshot
}
equal() { # all roots are equal, at one height, of so many members
    for try in $(seq 150); do
        timeout 10 "$synod" status --home "$home" --json > "$folder/status" 2> /dev/null
        roots=$(grep -o '"root_height":[0-9]*,"root":"[0-9a-f]*"' "$folder/status")
        [ "$(echo "$roots" | wc -l)" = "$1" ] && [ "$(echo "$roots" | sort -u | wc -l)" = 1 ] &&
            return 0
        sleep 0.2
    done
    fail "roots differ: $roots"
}

for i in 0 1 2 3; do start $i; done
load a
end 3 KILL
for name in b c d e f g h i j k l; do load $name; done # 36 MB into journals of 32
for i in 0 1 2; do
    [ "$(grep -c 'journal released' "$home/log$i")" -ge 3 ] || fail "member $i released too little"
    grep -q 'snapshot taken' "$home/log$i" || fail "member $i took no snapshot"
done
grep -q '"snapshot_height":0,' "$folder/status" 2> /dev/null && fail "status knows no snapshot"

start 3 # it kept the first record, and nobody keeps the second
equal 4
grep -q 'transfer installed' "$home/log3" || fail "the one that was away has fetched no state"
value=$(timeout 20 "$synod" query --home "$home" get c7) || fail "no read"
[ "${#value}" = 2000 ] || fail "another value"

for i in 0 1 2 3; do end $i KILL; done
for i in 0 1 2 3; do start $i; done
equal 4
for i in 0 1 2 3; do
    [ "$(grep -c 'recover snapshot' "$home/log$i")" -ge 1 ] || fail "member $i began from nothing"
done

end 2 TERM # damage of both slots while it is down
for slot in 0 1; do
    printf 'rot' | dd of="$home/node2/data/snapshot-$slot" bs=1 seek=70000 conv=notrunc 2> /dev/null
done
: > "$home/log2"
start 2
load m
equal 4
[ "$(grep -c 'snapshot damaged' "$home/log2")" = 2 ] || fail "the damage was not reported"
grep -q 'recover incomplete' "$home/log2" || fail "what is missing was not said"
grep -q 'transfer installed' "$home/log2" || fail "it has fetched no state"
echo "snapshots: released, restarted, transferred, repaired; all roots equal"
