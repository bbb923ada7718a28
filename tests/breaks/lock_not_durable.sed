# Votes of later phases leave before highQC and the lock are on the disk (HSB 3, HSB 4).
# source: src/protocol/hotstuff/four_phase.c
# by: test scenario/hotstuff_basic_test a_view_decides_one_block
s/^    persist_record(step);//
