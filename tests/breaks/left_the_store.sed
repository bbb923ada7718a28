# A release counts as needed only the blocks that are in the store: executed ones have left it.
# source: src/replica/space.c
# by: test unit/replica_snapshot_test test_a_slow_snapshot_releases_no_block
s/^    if (from->height != ledger_height(r->ledger))/    if (from->height > ledger_height(r->ledger))/
