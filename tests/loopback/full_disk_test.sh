#!/bin/sh
# The disk of one running validator fills up: it promises nothing more and says why, and the other
# three go on. Without one of those three nothing can be confirmed, for a promise that is not on the
# disk is none; as soon as there is room again, everything can. And at the command line a full disk
# is a sentence.
set -u
if [ "${FULL_DISK_INSIDE:-}" = "" ]; then
    FULL_DISK_INSIDE=1 unshare --mount true 2> /dev/null ||
        { echo "no mounts of its own can be made here"; exit 77; }
    FULL_DISK_INSIDE=1 exec unshare --mount sh "$0"
fi
. "$SYNOD_SOURCE/tests/loopback/validators.sh"
cleanup() { umount "$folder/small" 2> /dev/null; }

mkdir "$folder/small"
mount -t tmpfs -o size=4m none "$folder/small" || exit 77
"$synod" testnet --home "$folder/net" --port 7980 > /dev/null || fail "testnet"
cp -r "$folder/net/node3" "$folder/small/node3"
for i in 0 1 2; do
    "$synod" node --home "$folder/net/node$i" 2> "$folder/log$i" &
    nodes="$nodes $!"
done
"$synod" node --home "$folder/small/node3" 2> "$folder/log3" &
nodes="$nodes $!"

# 8 MB into a journal that has room for less than 4
awk 'BEGIN { for (i = 0; i < 4000; i++) printf "key%d\t%02000d\n", i, i }' > "$folder/records"
timeout 100 "$synod" load --home "$folder/net" "$folder/records" > "$folder/out" 2>&1 ||
    fail "three of four did not take the records"
for i in $(seq 100); do
    grep -q "disk full" "$folder/log3" && break
    sleep 0.1
done
grep -q "disk full" "$folder/log3" || fail "the full disk was not reported"
value=$(timeout 20 "$synod" query --home "$folder/net" get key3999) || fail "no read"
[ "${#value}" = 2000 ] || fail "another value"
for node in $nodes; do kill -0 "$node" || fail "a validator ended"; done

"$synod" testnet --home "$folder/small/other" > "$folder/out" 2>&1 && fail "a home on a full disk"
grep -q "No space left on device" "$folder/out" || fail "the full disk has no name"

set -- $nodes
kill -9 "$3"
wait "$3"
nodes="$1 $2 $4"
timeout 20 "$synod" submit --home "$folder/net" --timeout 2s set late yes > "$folder/out" 2>&1 &&
    fail "confirmed by two and a member that could not write"
mount -o remount,size=256m "$folder/small" || fail "remount"
timeout 60 "$synod" submit --home "$folder/net" --timeout 50s set later yes > "$folder/out" 2>&1 ||
    fail "the validator that had no room did not come back"
value=$(timeout 20 "$synod" query --home "$folder/net" get later)
[ "$value" = yes ] || fail "another value: $value"
echo "full: three went on; two and the full one waited; with room they went on"
