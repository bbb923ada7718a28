# Nobody follows f + 1 time-outs (HS 12, attack H10).
# source: src/protocol/hotstuff/pace.c
# by: test scenario/hotstuff_pace_test two_time_outs_pull_the_third
s/^    if (reached > state->left .*/    if (false)/
