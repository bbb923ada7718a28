# safeNode asks for more than the lock, and forgets the locked block itself (HSB 2, attack H1).
# source: src/protocol/hotstuff/chain.c
# by: test scenario/hotstuff_basic_test the_leader_stops_in_each_phase
s/^    if (locks \&\& qc->statement.view < state->locked \&\& !itself)/    if (locks \&\& qc->statement.view <= state->locked \&\& state->locked > 0)/
