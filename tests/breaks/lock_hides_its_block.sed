# A member that is locked before it has the block does not vote for it (HSB 2).
# source: src/protocol/hotstuff/chain.c
# by: test scenario/hotstuff_basic_test the_block_comes_last
s/^        state->locked == view \&\& digest_equal/        false \&\& digest_equal/
