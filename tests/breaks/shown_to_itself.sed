# The leader shows no precommitQC (HSB 6).
# source: src/protocol/hotstuff/four_phase.c
# by: test scenario/hotstuff_basic_test a_view_decides_one_block
s/^        show(step, PHASE_COMMIT, SEND_ALL, qc);/        break;/
