# What was promised leaves although its record found no room.
# source: src/replica/outbox.c
# by: test unit/replica_snapshot_test test_promises_wait_for_room
s/r->records_owed ? OUTBOX_OWED : //
