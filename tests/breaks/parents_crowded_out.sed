# The oldest open block goes first, also when others stand on it (attack H13).
# source: src/replica/blocks.c
# by: test unit/replica_blocks_test test_what_others_stand_on_stays
s/^    if (worth(blocks, best) >> RANK_SHIFT == RANK_OPEN)/    if (false)/
