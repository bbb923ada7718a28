# The back-off comes down by one step a commit (HS 3, attack P9).
# source: src/protocol/hotstuff/chain.c
# by: test scenario/hotstuff_pace_test together_again_after_many_views
s/^        pacemaker_progress(&state->pacemaker, .*/        state->pacemaker.exponent -= state->pacemaker.exponent > 0 ? 1 : 0;/
