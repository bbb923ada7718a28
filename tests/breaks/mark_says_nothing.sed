# The mark of a snapshot that is being transferred takes back what the journal before it said that the
# snapshot needs: a release takes away blocks above it.
# source: src/replica/space.c
# by: test unit/replica_space_test test_a_mark_that_says_nothing
s/^        if (keep != 0)$/        if (true)/
