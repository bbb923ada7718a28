# A block may name batches that do not follow the ones ordered before.
# source: src/replica/payload_certified.c
# by: test unit/replica_batches_test test_what_a_block_may_name
s/ reference.first != r->lanes.branch\[reference.author\] + 1 ||$/ false ||/
