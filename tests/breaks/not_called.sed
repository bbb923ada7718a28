# A leader that was called by time-outs and has nothing to propose stays silent (HS 6).
# source: src/protocol/hotstuff/lead.c
# by: sweep liveness|idle
s/^    return !certified_before(state);/    return state->view == 0;/
