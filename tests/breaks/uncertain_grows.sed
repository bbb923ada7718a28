# However many certified blocks are not final, the leader adds one (HS 19).
# source: src/protocol/hotstuff/lead.c
# by: test scenario/hotstuff_family_test certified_blocks_do_not_pile_up
s/^    return high_qc(state)->statement.height >= state->delivered + UNCERTAIN_MAX;/    return state->view == 0;/
