# A member that missed batches of a lane, or dropped them, never takes one of it again.
# source: src/replica/lanes.c
# by: test scenario/payload_test test_a_forked_lane_is_forgotten_at_a_restart
s/^        } else if (lane->high < lane->tip) {.*/        } else if (false) {/
