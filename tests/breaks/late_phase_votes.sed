# Votes of later phases in a view that was timed out (HSB 3, HSB 4, attack H11).
# source: src/protocol/hotstuff/four_phase.c
# by: test scenario/hotstuff_basic_test no_later_vote_after_a_time_out
s/ || state->left >= state->view)/)/
