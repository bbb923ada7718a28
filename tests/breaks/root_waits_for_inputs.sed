# A root goes on only when something comes in.
# source: src/replica/driver.c
# by: test unit/replica_root_test test_blocks_go_on
s/r->rooting != 0 ? r->now.now_ns + ROOT_PAUSE_NS : 0/0/
