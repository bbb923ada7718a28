# A prepareQC is taken for a lock: the second phase is left out (HSB 4).
# source: src/protocol/hotstuff/four_phase.c
# by: test scenario/hotstuff_basic_test no_phase_is_skipped
s/^    .lock_phase = PHASE_PRECOMMIT_VOTE,/    .lock_phase = PHASE_VOTE,/
