#!/bin/sh
# What `make install` puts into a tree is enough for a stranger: only the public names leave the
# library, each header compiles alone as C17 and as C++17, the examples build with plain cc and
# pkg-config (shared and static), four embedded counters agree; manual pages and completion are whole.
set -u
folder=$(mktemp -d "${TMPDIR:-/tmp}/synod-install.XXXXXX")
nodes=
trap 'kill $nodes 2> /dev/null; rm -rf "$folder"' EXIT
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
must() { "$@" > "$folder/out" 2>&1 || fail "$*: $(cat "$folder/out")"; }

DESTDIR=$folder/tree cmake --install "$SYNOD_BUILD" > "$folder/out" || { cat "$folder/out"; exit 1; }
pc=$(find "$folder/tree" -name synod.pc)
prefix=$folder/tree$(sed -n 's/^prefix=//p' "$pc")
lib=$(dirname "$(dirname "$pc")")
export PKG_CONFIG_PATH="$lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$folder/tree" LD_LIBRARY_PATH="$lib"
synod=$prefix/bin/synod

# ---- names: of both libraries, all that the headers declare and nothing else
grep -h 'SYNOD_API' "$prefix"/include/synod/*.h | grep -o 'synod_[a-z_]*(' | tr -d '(' | sort > "$folder/declared"
[ "$(wc -l < "$folder/declared")" -ge 20 ] || fail "too few public functions are found"
nm -D --defined-only "$lib/libsynod.so" | awk '{ print $3 }' | grep -v '^__\(asan\|ubsan\|odr\)' |
    sort > "$folder/shared"
nm -g --defined-only "$lib/libsynod.a" | awk 'NF == 3 { print $3 }' | grep -v '^__\(asan\|odr\)' |
    sort > "$folder/static"
for kind in shared static; do
    diff "$folder/declared" "$folder/$kind" > "$folder/out" ||
        fail "the $kind library exports something else than the headers declare: $(cat "$folder/out")"
done
readelf -d "$lib/libsynod.so" | grep -q 'SONAME.*\[libsynod.so.0\]' || fail "soname is not libsynod.so.0"
[ "$(pkg-config --modversion synod)" = "$("$synod" --version | cut -d' ' -f2)" ] ||
    fail "pkg-config and program differ on the version"

# ---- headers
for header in "$prefix"/include/synod/*.h; do
    name=synod/$(basename "$header")
    echo "#include <$name>" > "$folder/one.c"
    # shellcheck disable=SC2046 # flags are words
    must cc -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only $(pkg-config --cflags synod) "$folder/one.c"
    if command -v c++ > /dev/null; then
        # shellcheck disable=SC2046
        must c++ -x c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
            $(pkg-config --cflags synod) "$folder/one.c"
    fi
done

# ---- the examples, which stay short enough to be read
instrumented=${SYNOD_INSTRUMENTED:-}
[ "$(wc -l < "$SYNOD_SOURCE/examples/counter.c")" -lt 80 ] || fail "counter.c has 80 lines or more"
[ "$(wc -l < "$SYNOD_SOURCE/examples/client.c")" -lt 60 ] || fail "client.c has 60 lines or more"
mkdir "$folder/archive"
cp "$lib/libsynod.a" "$folder/archive"
for example in counter client; do
    # shellcheck disable=SC2046,SC2086
    {
        must cc $instrumented -o "$folder/$example" "$SYNOD_SOURCE/examples/$example.c" \
            $(pkg-config --cflags --libs synod)
        must cc $instrumented -o "$folder/$example-static" "$SYNOD_SOURCE/examples/$example.c" \
            $(pkg-config --static --cflags --libs synod | sed "s|-L$lib|-L$folder/archive|")
    }
done
readelf -d "$folder/counter" | grep -q 'libsynod.so.0' || fail "counter is not linked with the shared library"
readelf -d "$folder/counter-static" | grep -q 'libsynod' && fail "counter-static is"
[ "$failures" = 0 ] || exit 1

# ---- four validators, two with each library, and a client
port=$((20000 + $$ * 7 % 10000))
"$synod" testnet --home "$folder/net" --n 4 --app counter --port "$port" > "$folder/out" || fail "testnet"
grep -q 'not built in' "$folder/out" || fail "testnet does not say who runs the application: $(cat "$folder/out")"
for i in 0 1 2 3; do
    [ "$i" -lt 2 ] && kind= || kind=-static
    "$folder/counter$kind" "$folder/net/node$i" > "$folder/node$i" 2>&1 &
    nodes="$nodes $!"
done
sums="1000 2000"
for sum in $sums; do
    [ "$sum" = 1000 ] && kind= || kind=-static
    timeout 60 "$folder/client$kind" "$folder/net/node0/genesis.json" > "$folder/out" 2>&1 || fail "client: exit $?"
    grep -q "added 1000 of 1000, 0 failed; the sum is $sum (ok)" "$folder/out" ||
        fail "client says: $(cat "$folder/out" "$folder"/node?)"
done
# All four have run as much and have one root, a hash of the sum.
equal() {
    "$synod" status --home "$folder/net" --json > "$folder/out"
    [ "$(grep -o '"operations":2002' "$folder/out" | wc -l)" = 4 ] &&
        [ "$(grep -o '"root":"[0-9a-f]*"' "$folder/out" | sort | uniq -c | awk '{ print $1 }')" = 4 ]
}
tries=0
until equal || [ "$tries" = 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
[ "$tries" -lt 100 ] || fail "not all have it: $(cat "$folder/out")"
for node in $nodes; do
    kill -TERM "$node"
done
for node in $nodes; do
    wait "$node" || fail "a counter ends with $?: $(cat "$folder"/node?)"
done
nodes=
# What cannot be opened says why; the exit codes are those of the documentation.
timeout 20 "$folder/counter" "$folder/nowhere" > "$folder/out" 2>&1
[ $? = 1 ] && grep -q nowhere "$folder/out" || fail "a counter without a home: $(cat "$folder/out")"
timeout 20 "$synod" node --home "$folder/net/node0" > "$folder/out" 2>&1
[ $? = 1 ] && grep -q "'counter', which is not built in" "$folder/out" || fail "synod node: $(cat "$folder/out")"
timeout 20 "$folder/client" "$folder/nowhere" > "$folder/out" 2>&1
[ $? = 1 ] && grep -q nowhere "$folder/out" || fail "a client without a chain: $(cat "$folder/out")"

# ---- manual pages: one of each verb, without a complaint
man1=$prefix/share/man/man1
for verb in $("$synod" | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
    [ -s "$man1/synod-$verb.1" ] || fail "there is no page of $verb"
    "$synod" "$verb" --help | grep -o '^  --[a-z-]*' | while read -r option; do
        sed 's/\\-/-/g' "$man1/synod-$verb.1" | grep -q -- "^\.BI\?  *$option" || echo "$verb $option"
    done > "$folder/out"
    [ -s "$folder/out" ] && fail "not in the manual: $(cat "$folder/out")"
done
# Their date is that of the sources, not of the day on which they were made.
printf 'synod (9.9.9-1) unstable; urgency=low\n\n -- A <a@b>  Tue, 03 Feb 2004 12:00:00 +0000\n' > "$folder/changelog"
must lua5.4 "$SYNOD_SOURCE/tools/manual.lua" --synod "$synod" --changelog "$folder/changelog" --out "$folder/manual"
grep -q '^\.TH SYNOD 1 2004-02-03 ' "$folder/manual/man1/synod.1" || fail "the date: $(head -1 "$folder/manual/man1/synod.1")"
for page in "$man1"/*.1; do
    sed 's/^\(\.TH [^ ]* 1\) [0-9-]* /\1 2004-02-03 /' "$page" | cmp -s - "$folder/manual/man1/${page##*/}" ||
        fail "${page##*/} is not the same when it is made again"
done
if command -v mandoc > /dev/null; then
    must mandoc -Tlint -Wwarning "$man1"/*.1
fi
if command -v man > /dev/null; then
    for page in "$man1"/*.1; do
        said=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 > /dev/null)
        [ -z "$said" ] || fail "man: $said"
    done
fi

# ---- completion
if command -v bash > /dev/null; then
    cat > "$folder/complete.bash" << 'END'
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
compopt() { :; }
_synod
echo "${COMPREPLY[*]}"
END
    completion=$prefix/share/bash-completion/completions/synod
    complete() { # EXPECTED WORDS...
        expected=$1
        shift
        got=$(cd "$folder" && bash "$folder/complete.bash" "$completion" "$@" 2>&1)
        [ "$got" = "$expected" ] || fail "completion of '$*': '$got', not '$expected'"
    }
    complete "status" synod sta
    complete "submit" synod sub
    complete "--view-timeout" synod testnet --home net --v
    complete "run" synod sim ru
    complete "--disk-lies" synod sim sweep --di
    complete "hotstuff-2" synod up --protocol hotstuff-2
    complete "net" synod status --home ne
    complete "net" synod node --home ne
    complete "declared" synod load decl
    complete "" synod testnet --n 4
    complete "" synod frobnicate --h
    flags=$("$synod" bench --help | grep -o '^  --[a-z-]*' | tr -d '\n' | sed 's/  / /g')
    complete "--help$flags" synod bench --
fi
if command -v zsh > /dev/null; then
    must zsh -n "$prefix/share/zsh/site-functions/_synod"
fi

[ "$failures" = 0 ] && echo "all as expected"
exit "$failures"
