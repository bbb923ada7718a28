#!/bin/sh
# make soak: the long things, one after the other, with a summary. STAGE=power (or sweep, fuzz; several
# in quotes) chooses. CUTS=100 a mode, SEEDS=100000, FUZZ_SECONDS=600 a target, SEED=1 of the cuts.
set -u
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
SYNOD_BIN=${SYNOD_BIN:-$here/build/release/synod}
SYNOD_BUILD=$(dirname "$SYNOD_BIN")
export SYNOD_BUILD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

# note WHAT PATTERN COMMAND...: runs it, keeps the last line with PATTERN for the summary
note() {
    what=$1 pattern=$2
    shift 2
    echo "soak: $what"
    code=0
    { "$@" 2>&1 || echo $? > "$folder/code"; } | tee "$folder/out"
    [ -f "$folder/code" ] && code=$(cat "$folder/code") && rm "$folder/code"
    [ "$code" = 0 ] || failures=$((failures + 1))
    printf 'exit %s  %s: %s\n' "$code" "$what" \
        "$(grep -e "$pattern" "$folder/out" | tail -n 1)" >> "$folder/summary"
}

power() {
    for mode in "--n 4 --victims 1" "--n 4 --victims 4" "--n 7 --victims 2"; do
        # shellcheck disable=SC2086
        note "power cuts, $mode" "cuts, " sh "$here/tests/power/run.sh" $mode --cuts "${CUTS:-100}" \
            --seed "${SEED:-1}"
    done
}

sweep() {
    note "simulated clusters" "violated" "$SYNOD_BIN" sim sweep --seeds "${SEEDS:-100000}" --jobs "$(nproc)"
}

fuzz() {
    if ! command -v clang > /dev/null; then
        echo "soak: fuzz: clang is missing (tools/setup does not install it)" | tee -a "$folder/summary"
        failures=$((failures + 1))
        return
    fi
    fuzzers=$(dirname "$SYNOD_BUILD")/fuzz
    make -C "$here" BUILD="$(dirname "$SYNOD_BUILD")" fuzz || {
        failures=$((failures + 1))
        return
    }
    for target in "$fuzzers"/fuzz/*; do
        name=$(basename "$target")
        mkdir -p "$fuzzers/corpus/$name"
        note "fuzz $name" "Done\|ERROR" "$target" -max_total_time="${FUZZ_SECONDS:-600}" -timeout=60 \
            -artifact_prefix="$fuzzers/corpus/$name-" "$fuzzers/corpus/$name" "$here/tests/data/fuzz/$name"
    done
}

for stage in ${STAGE:-power sweep fuzz}; do
    case $stage in
    power | sweep | fuzz) "$stage" ;;
    *)
        echo "soak: there is no stage '$stage': power, sweep, fuzz" >&2
        exit 2
        ;;
    esac
done
echo
echo "soak: summary"
cat "$folder/summary"
[ "$failures" = 0 ]
