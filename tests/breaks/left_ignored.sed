# Votes in views that were left by time-out (HS 8, attack H11).
# source: src/protocol/hotstuff/chain.c
# by: sweep agreement|prefix
s/^        candidate->view <= state->left || /        /
