# Votes in views that were left by time-out (HS 8, attack H11).
# source: src/protocol/hotstuff/chain.c
# by: test scenario/hotstuff_pace_test no_vote_at_or_below_a_time_out
s/^        candidate->view <= state->left || /        /
