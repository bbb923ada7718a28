# A vote on a certificate below the lock (HSC 3, HS2 3, HSB 2).
# source: src/protocol/hotstuff/chain.c
# by: test scenario/hotstuff_family_test no_vote_below_the_lock
s/^    if (locks \&\& qc->statement.view < state->locked \&\& !itself)/    if (false)/
