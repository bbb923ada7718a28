# safeNode with the view of the block, not of its certificate (HSB 2, attack H1).
# source: src/protocol/hotstuff/chain.c
# by: test scenario/hotstuff_basic_test a_lock_yields_to_a_higher_certificate_only
s/^    if (locks \&\& qc->statement.view < state->locked \&\& !itself)/    if (locks \&\& message->block->birth_view < state->locked)/
