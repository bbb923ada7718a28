# A release that became due is looked at when something was appended, and while no block has room
# nothing is (attack F6).
# source: src/replica/replica.c
# by: test unit/replica_snapshot_test test_a_short_journal_gives_up_the_older
s/^    if (r->snapshots.release_due .* r->phase == REPLICA_RUNNING)$/    if (false)/
