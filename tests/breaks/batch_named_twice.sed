# A block may name the lane of one author twice.
# source: src/replica/payload_certified.c
# by: test unit/replica_batches_test test_what_a_block_may_name
s/^        if (reference.author < least || /        if (/
