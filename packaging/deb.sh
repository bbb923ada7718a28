#!/bin/sh
# make deb: the Debian packages, from the files that git knows, into BUILD/deb. Installs the tools of
# packaging that are missing (root or sudo), then looks at what was made with lintian.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$here"
build=${BUILD:-build}
mkdir -p "$build"
build=$(cd "$build" && pwd)

tools="dpkg-dev debhelper lintian fakeroot"
missing=
for tool in $tools; do
    dpkg-query -W -f '${db:Status-Abbrev}' "$tool" 2> /dev/null | grep -q '^ii' || missing="$missing $tool"
done
if [ -n "$missing" ]; then
    echo "deb: missing packages:$missing"
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get -q update || true
    # shellcheck disable=SC2086 # words
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing
fi

version=$(sed -n 's/^#define SYNOD_VERSION "\(.*\)"$/\1/p' include/synod/types.h)
grep -q "^synod ($version-[0-9]" packaging/debian/changelog || {
    echo "deb: packaging/debian/changelog is not of version $version" >&2
    exit 1
}

rm -rf "$build/deb"
mkdir -p "$build/deb/synod-$version"
git ls-files -z --cached --others --exclude-standard |
    xargs -0 sh -c 'for file; do [ -f "$file" ] && printf "%s\0" "$file"; done' sh |
    tar --null -T - -cf - | tar -C "$build/deb/synod-$version" -xf -
cd "$build/deb/synod-$version"
mv packaging/debian debian
DEB_BUILD_OPTIONS="parallel=${JOBS:-$(nproc)}" dpkg-buildpackage -us -uc -b -d
cd ..
lintian --fail-on error --tag-display-limit 0 -- *.changes
ls -l ./*.deb
