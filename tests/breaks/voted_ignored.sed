# Votes again in a view after a restart (HS 8, attack H7).
# source: src/protocol/hotstuff/chain.c
# by: sweep conflict
s/ || candidate->view <= state->voted ||/ ||/
