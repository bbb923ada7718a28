# Only who is in a lower view is helped (HS 14).
# source: src/protocol/hotstuff/pace.c
# by: test scenario/hotstuff_crash_test one_view_by_two_ways
s/^    bool behind = theirs->view < state->view || certified < ours;/    bool behind = theirs->view < state->view;/
s/^    bool missing = theirs->height < state->delivered /    bool missing = false /
