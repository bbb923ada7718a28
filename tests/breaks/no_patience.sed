# A leader may starve a request for ever (HS 16).
# source: src/protocol/hotstuff/pace.c
# by: test scenario/hotstuff_pace_test a_leader_that_starves_one_request
s/^    if (state->pending_bytes > 0 \&\& state->left < state->view) {/    if (false) {/
