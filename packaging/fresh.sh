#!/bin/sh
# make package-test: installs the packages of BUILD/deb in a tree of Debian made for it, boots systemd there
# (own processes, mounts, network: nothing of this machine is touched), and does what
# docs/guide/operate.md says, with the real apt and systemd. Needs root. SUITE, MIRROR: of Debian.
# The bare tree is kept as BUILD/fresh/SUITE.tar; what the machine's apt needs to reach a mirror is copied.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
build=$(cd "${BUILD:-build}" && pwd)
suite=${SUITE:-bookworm} mirror=${MIRROR:-http://deb.debian.org/debian}
work=$build/fresh tree=$build/fresh/tree
clean="env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive"
systemd=
fail() {
    echo "FAILED: $*"
    exit 1
}

[ "$(id -u)" = 0 ] || fail "make package-test makes a tree and namespaces, which only root may"
command -v debootstrap > /dev/null || apt-get -q -y --no-install-recommends install debootstrap
mkdir -p "$work"
if [ ! -f "$work/$suite.tar" ]; then
    rm -rf "$tree"
    debootstrap --variant=minbase "$suite" "$tree" "$mirror" > "$work/debootstrap.log"
    tar -C "$tree" -cf "$work/$suite.tar.new" . && mv "$work/$suite.tar.new" "$work/$suite.tar"
fi
rm -rf "$tree" && mkdir "$tree"
tar -C "$tree" -xf "$work/$suite.tar"
apt-config dump Acquire > "$tree/etc/apt/apt.conf.d/99host"
cp /etc/resolv.conf /etc/hosts "$tree/etc/"
mkdir -p "$tree/etc/ssl" && cp -r /etc/ssl/certs "$tree/etc/ssl/"

# A machine has systemd; and the packages' dependencies come from the network, which the booted tree has not.
mkdir "$tree/root/packages"
cp "$build"/deb/*.deb "$tree/root/packages"
rm -f "$tree"/root/packages/*-dbgsym_*
chroot "$tree" $clean sh -c 'apt-get -q update && apt-get -q -y --no-install-recommends install systemd \
    && cd /root/packages && apt-get -q -y --no-install-recommends --download-only install ./*.deb gcc libc6-dev pkg-config' \
    > "$work/apt.log" 2>&1 || fail "apt: $(tail -n 5 "$work/apt.log")"
ln -sf /dev/null "$tree/etc/systemd/system/console-getty.service"

{
    cat << 'END'
section() {
    [ "$1" = Remove ] || return 0
    [ -n "${looked:-}" ] && return 0
    looked=yes
    . /root/look.sh
}
END
    lua5.4 "$here/tests/package/operate.lua" "$here/docs/guide/operate.md"
} > "$tree/root/operate.sh"
cp "$here/packaging/look.sh" "$tree/root/look.sh"

# ---- boot
cat > "$work/boot.sh" << 'END'
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ip link set lo up
hostname fresh
mkdir -p old
pivot_root . old
umount -l /old
exec env -i container=synod PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system
END
unshare --mount --pid --fork --uts --ipc --net --cgroup --kill-child \
    sh "$work/boot.sh" "$tree" > "$work/boot.log" 2>&1 < /dev/null &
outer=$!
# Its death takes systemd along (--kill-child), and all that is in the namespaces; it is deaf to SIGTERM.
trap 'kill -KILL "$outer" 2> /dev/null || true' EXIT
inside() { nsenter -t "$systemd" -a $clean "$@"; }
tries=0
until [ -n "$systemd" ] && inside systemctl is-system-running 2> /dev/null | grep -q 'running\|degraded'; do
    systemd=$(cat "/proc/$outer/task/$outer/children" 2> /dev/null | tr -d ' ')
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || fail "systemd does not come up: $(cat "$work/boot.log")"
    sleep 1
done
echo "booted: $(inside systemctl --version | head -n 1), $(inside systemctl is-system-running || true)"

# ---- the guide
inside sh -c 'cd /root/packages && sh /root/operate.sh' > "$work/operate.log" 2>&1 ||
    fail "docs/guide/operate.md: $(tail -n 25 "$work/operate.log")
$(inside journalctl --no-pager -n 20 -u 'synod@*' || true)"
grep '^look: ' "$work/operate.log"
tail -n 1 "$work/operate.log"

# ---- the library, by plain cc
inside sh -ec 'cd /root/packages
apt-get -q -y --no-install-recommends install ./libsynod*.deb gcc libc6-dev pkg-config
for example in counter client; do
    file=/usr/share/doc/libsynod-dev/examples/$example.c
    cc -o /root/$example $file $(pkg-config --cflags --libs synod)
    cc -o /root/$example-static $file -Wl,-Bstatic -lsynod -Wl,-Bdynamic \
        $(pkg-config --static --cflags --libs synod | sed "s/-lsynod//")
done' > "$work/library.log" 2>&1 || fail "the library's package: $(tail -n 10 "$work/library.log")"
echo "the examples build with the library's packages"
