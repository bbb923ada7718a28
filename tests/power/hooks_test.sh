#!/bin/sh
# The fault hooks are in builds made with them and in no other program: their variable, their words
# and their functions are looked for in the binaries.
set -eu
traces() {
    { strings -d "$1"; nm "$1"; } | grep -c 'SYNOD_FAULT=\|faults_open\|append_early\|unsynced_calls\|faults_read_clock\|equivocate_frame\|misbehave_send' || true
}
build=${SYNOD_BUILD:?}
with=$(traces "$build/synod_faults")
without=$(traces "$build/synod")
echo "traces of hooks: synod_faults $with, synod $without"
[ "$with" -gt 3 ]

# Calls that change files and that the library of the power cuts (shim/undo_shim.c) does not see.
unseen=$(nm -D --undefined-only "$build/synod_faults" | awk '{ sub(/@.*/, "", $2); print $2 }' |
    grep -E -x '(openat|creat|pwritev|pwritev2|fallocate|posix_fallocate|truncate)(64)?|writev|copy_file_range|sendfile(64)?|renameat2?|unlinkat|linkat|symlink|syncfs|sync_file_range|msync' || true)
[ "$unseen" = "" ] || { echo "calls that a power cut does not undo: $unseen"; exit 1; }

if grep -q '^SYNOD_FAULT_HOOKS:BOOL=ON' "$build/CMakeCache.txt"; then
    echo "a build with fault hooks: synod has them too"
    [ "$without" -gt 3 ]
else
    [ "$without" = 0 ]
    # And the variable means nothing to it.
    code=0
    said=$(SYNOD_FAULT=frobnicate "$build/synod" node --home /nonexistent 2>&1) || code=$?
    [ "$code" = 1 ]
    case $said in *SYNOD_FAULT*) exit 1 ;; esac
fi
