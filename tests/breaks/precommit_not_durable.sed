# A vote of the second phase leaves before highQC is on the disk (HSB 3).
# source: src/protocol/hotstuff/four_phase.c
# by: protocol hotstuff-basic durability
s/^    persist_record(step);/    if (phase == PHASE_COMMIT_VOTE)\n        persist_record(step);/
