#!/bin/sh
# The commands of docs/guide/operate.md on an installed tree, on this machine: systemd, apt and the other
# user are played by small scripts. `make package-test` runs the same commands with the real ones. Also:
# the unit is one that systemd accepts, and keeps the validator in.
set -u
folder=$(mktemp -d "${TMPDIR:-/tmp}/synod-operate.XXXXXX")
trap 'for pid in $(cat "$folder"/run/*.pid 2> /dev/null); do kill -KILL "$pid" 2> /dev/null; done; rm -rf "$folder"' EXIT
lose() {
    echo "FAILED: $*"
    exit 1
}
unit=$SYNOD_SOURCE/packaging/synod@.service
mkdir "$folder/bin" "$folder/run" "$folder/homes" "$folder/work"
DESTDIR=$folder/tree cmake --install "$SYNOD_BUILD" --component program > "$folder/out" || lose "install"
program=$(find "$folder/tree" -name synod -path '*/bin/synod')

# ---- the unit
if command -v systemd-analyze > /dev/null; then
    sed "s|^ExecStart=/usr/bin/synod|ExecStart=$program|" "$unit" > "$folder/synod@.service"
    cp "$folder/synod@.service" "$folder/synod@node0.service"
    said=$(systemd-analyze verify --man=no "$folder/synod@node0.service" 2>&1) || lose "systemd-analyze verify: $said"
    [ -z "$said" ] || lose "systemd-analyze verify: $said"
    score=$(systemd-analyze security --offline=true --threshold=20 "$folder/synod@node0.service" 2>&1) ||
        lose "the unit is exposed more than 2.0: $(echo "$score" | grep -v '^✓')"
    echo "$score" | grep 'Overall exposure'
fi

# ---- the guide
hundred=$((200 + $$ % 100))
for name in apt-get:'echo "$@"' runuser:'shift 3; exec "$@"' journalctl:'tail -n 5 "$SHIM_RUN/${2#synod@}.log"' \
    sleep:'exec /bin/sleep 0.1'; do
    printf '#!/bin/sh\n%s\n' "${name#*:}" > "$folder/bin/${name%%:*}"
done
cp "$SYNOD_SOURCE/tests/package/shims/systemctl" "$folder/bin"
ln -s "$program" "$folder/bin/synod"
chmod +x "$folder"/bin/*
{
    echo 'section() { :; }'
    lua5.4 "$SYNOD_SOURCE/tests/package/operate.lua" "$SYNOD_SOURCE/docs/guide/operate.md" |
        sed "s|/var/lib/synod|$folder/homes|g; s|71\([01][0-9]\)|$hundred\1|g"
} > "$folder/operate.sh" || lose "the guide's commands"
cd "$folder/work" || exit 1
PATH=$folder/bin:$PATH SHIM_UNIT=$unit SHIM_RUN=$folder/run SHIM_HOMES=$folder/homes \
    timeout 200 sh "$folder/operate.sh" > "$folder/out" 2>&1 ||
    lose "docs/guide/operate.md: $(tail -n 15 "$folder/out") $(tail -n 3 "$folder"/run/*.log)"
tail -n 1 "$folder/out"
grep -q '"\?one is missing' "$folder/out" || lose "the last record is not read back: $(cat "$folder/out")"
[ "$(cat "$folder"/run/*.code | sort -u)" = 0 ] || lose "a validator did not end well: $(cat "$folder"/run/*.log)"
