# Whoever left a term alone does not vote again in it, and the others go on without it (HS 18).
# source: src/protocol/hotstuff/pace.c
# by: test scenario/hotstuff_pace_test who_left_alone_votes_again
s/^    if (state->divided_since_ns == 0 || !busy(state))/    if (true)/
