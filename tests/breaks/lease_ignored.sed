# A restarted leader proposes again in its old lease (HS 15).
# source: src/protocol/hotstuff/lead.c
# by: sweep conflict
s/state->view <= state->lease_at_start || //
