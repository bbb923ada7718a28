# A full journal keeps what only the older snapshot needs.
# source: src/replica/space.c
# by: test unit/replica_snapshot_test test_a_full_journal_waits
s/^    snapshot_slot_t \*from = space_short(r) ? snapshot_newest(s) : snapshot_older(s);/    snapshot_slot_t *from = snapshot_older(s);/
