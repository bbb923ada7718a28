# The back-off starts anew at each commit, whatever the network needs (HS 3).
# source: src/protocol/hotstuff/chain.c
# by: test scenario/hotstuff_pace_test back_off_reaches_a_slow_network
s/^        pacemaker_progress(&state->pacemaker, .*/        state->pacemaker.exponent = 0;/
