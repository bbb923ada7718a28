# Whose snapshots are damaged numbers its batches from 1 again.
# source: src/replica/lanes_own.c
# by: test scenario/payload_test test_numbers_below_a_damaged_snapshot
s/^    if (r->mute || ledger_height(r->ledger) < r->snapshots.marked_height)/    if (r->mute)/
