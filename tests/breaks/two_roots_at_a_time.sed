# The next checkpoint drops the root that is not there yet.
# source: src/replica/attest.c
# by: test unit/replica_root_test test_one_root_at_a_time
s/^static void attest(replica_t \*r) {/&\n    r->rooting = 0;/
