# A run that does not begin on what was executed here is thrown away before its proof is looked at.
# source: src/replica/sync.c
# by: test unit/replica_fork_test test_a_fork_comes_by_sync
s/ || (r->sync_begins && !fetched));/);/
