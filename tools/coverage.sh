#!/bin/sh
# make coverage: builds with counters, runs the tests, and prints which lines and branches of src/
# ran, a row a layer, then the lines that did not. docs/guide/coverage.md argues for those.
# Left out are the tests that build or run another tree, and assertions: their other branch is the
# end of the program. ARGS=--report prints what the last run counted.
set -eu
command -v gcovr >/dev/null 2>&1 || {
    echo "coverage: gcovr is missing; tools/setup --dev installs it" >&2
    exit 1
}
folder=${BUILD:-build/coverage}

if [ "${1:-}" != --report ]; then
    cmake --preset coverage -B "$folder" >/dev/null
    find "$folder" -name '*.gcda' -delete # of other sources, maybe
    cmake --build "$folder" -j "${JOBS:-2}"
    ctest --test-dir "$folder" --no-tests=error --no-label-summary -j 2 \
        -E '^(scenario\.breaks|power\..*|package\.install|tidy|unit\.tidy)$' --output-on-failure
fi

objects=
for layer in base crypto model protocol codec client replica app adapter; do
    objects="$objects $folder/CMakeFiles/synod_$layer.dir"
done
# shellcheck disable=SC2086 # a list of words
gcovr --root . --filter src/ --exclude-throw-branches --exclude-unreachable-branches \
    --exclude-branches-by-pattern '.*\b(require|ensure|invariant)\(.*' \
    --json "$folder/coverage.json" --html-details "$folder/coverage.html" $objects
lua5.4 tools/coverage.lua "$folder/coverage.json"
echo "coverage: line by line in $folder/coverage.html"
