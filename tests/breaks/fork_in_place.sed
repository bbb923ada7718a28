# Another block is taken for the one that is known to be final, because its own proof holds.
# source: src/replica/deliver.c
# by: test unit/replica_fork_test test_a_fork_in_place_of_what_is_final
s/^    if (!digest_equal(id, final))/    if (false)/
