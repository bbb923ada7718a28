# What only the newest snapshot makes unnecessary is released: if it rots, the older one is no start.
# source: src/replica/space.c
# by: test unit/replica_snapshot_test test_the_older_one_is_enough
s/^    snapshot_slot_t \*from = space_short(r) ? snapshot_newest(s) : snapshot_older(s);/    snapshot_slot_t *from = snapshot_newest(s);/
