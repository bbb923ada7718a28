# Of what is final only the last proof is kept: whoever is behind takes no snapshot.
# source: src/replica/deliver.c
# by: test unit/replica_snapshot_test test_behind_what_is_final
s/^    keep_proof(r);//
