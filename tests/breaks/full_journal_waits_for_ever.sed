# A journal that is full of too little for a snapshot gets none, and so no room.
# source: src/replica/snapshot_save.c
# by: test unit/replica_snapshot_test test_a_full_journal_waits
s/^    if (urgent)/    if (false)/
