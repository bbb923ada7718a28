# Every certified block is waited for, be it empty (state, unfinished).
# source: src/protocol/hotstuff/chain.c
# by: sweep idle
s/^    memcpy(high_qc(state), qc, certificate_size(qc));/    if (qc->statement.height > state->payload_height)\n        state->payload_height = qc->statement.height;\n&/
