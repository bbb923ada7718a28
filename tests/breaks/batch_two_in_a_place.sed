# A second batch in a place of a lane takes the place of the first (PAY 2).
# source: src/replica/lanes_take.c
# by: payload conflict
# proof only
s/^        held_again(r, link, \&batch);/        lane_cut(lane, batch.sequence);/
/^        lane_cut(lane, batch.sequence);/,/^        return;/s/^        return;//
