# A leader that was called by time-outs and has nothing to propose stays silent (HS 6).
# source: src/protocol/hotstuff/lead.c
# by: sweep liveness|idle
s/^    return high_qc(state)->statement.view + 1 != state->view;/    return state->view == 0;/
