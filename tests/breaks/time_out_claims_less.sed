# A time-out claims the certificate below the highest one (HS 11, step 3 of the proof).
# source: src/protocol/hotstuff/pace.c
# by: world conflict
/^        state->left_claim =$/{
n
s/.*/            high_qc(state)->statement.claims[0];/
}
