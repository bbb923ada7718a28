# A vote leaves while the record still holds a certificate below the one voted on (HS 8).
# source: src/protocol/hotstuff/record.c
# by: world durability
/^void persist_record/,/^}/s/^    const certificate_t \*qc = high_qc(state), /    const certificate_t *qc = state->has_final ? final_qc(state) : high_qc(state), /
