# Certified heights count against the horizon of execution (HS 5).
# source: src/protocol/hotstuff/lead.c
# by: sweep liveness
s/^    bool ahead = state->delivered >/    bool ahead = high_qc(state)->statement.height >/
