# A certified block that was never seen here is waited for (state, unfinished).
# source: src/protocol/hotstuff/chain.c
# by: sweep idle
s/^    memcpy(high_qc(state), qc, certificate_size(qc));/    if (!(candidate->present \&\& digest_equal(\&candidate->id, \&qc->statement.digest)) \&\&\n        qc->statement.height > state->payload_height)\n        state->payload_height = qc->statement.height;\n&/
