# A record that finds no room ends the replica.
# source: src/replica/space.c
# by: test unit/replica_snapshot_test test_promises_wait_for_room
s/status != SYNOD_OK \&\& status != SYNOD_NO_SPACE)$/status != SYNOD_OK)/
