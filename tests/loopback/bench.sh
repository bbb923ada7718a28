# What tests of `synod bench` share, read in by `.`: a folder that goes with the test, and how wrong
# words are refused.
set -u
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
synod=$SYNOD_BIN
faults=$SYNOD_BUILD/synod_faults
hooks_in_all() { grep -q '^SYNOD_FAULT_HOOKS:BOOL=ON' "$SYNOD_BUILD/CMakeCache.txt"; }
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
refuse() { # refuse PROGRAM TEXT FLAGS...
    program=$1 text=$2
    shift 2
    code=0
    said=$(timeout 20 "$program" bench "$@" 2>&1) || code=$?
    case $said in *"$text"*) ;; *) code="$code, said: $said" ;; esac
    [ "$code" = 2 ] || fail "bench $*: exit $code, expected 2 and: $text"
}
