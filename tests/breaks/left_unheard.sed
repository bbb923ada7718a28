# Who left a term alone does not say so again when nobody heard it (HS 18).
# source: src/protocol/hotstuff/pace.c
# by: test scenario/hotstuff_pace_test who_left_alone_votes_again
s/^    if (state->left < state->view \&\& state->left_by_any < state->view)/    if (state->left_by_any < state->view)/
