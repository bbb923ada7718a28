# A snapshot begins when its root is known, not when that was asked for: it is of another state.
# source: src/replica/snapshot_save.c
# by: test unit/replica_root_test test_a_snapshot_of_then
s/^    ledger_save_begin(r->ledger);$//
s/^    invariant(save->height == r->root_height);/    ledger_save_begin(r->ledger);/
