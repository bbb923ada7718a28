# A journal that gets short after its newest snapshot keeps what only the older one needs: no block
# has room, so no newer snapshot comes, and nothing is voted for until time-outs fill the rest
# (attack F6).
# source: src/replica/space.c
# by: test unit/replica_snapshot_test test_a_short_journal_gives_up_the_older
s/^        r->snapshots.release_due |= .*;$/        ;/
