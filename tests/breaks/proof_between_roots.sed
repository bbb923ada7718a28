# While a root is computed, reads are proved against the one before.
# source: src/replica/links.c
# by: test unit/replica_root_test test_proofs_wait
s/prove \&\& r->rooting != 0/false/
