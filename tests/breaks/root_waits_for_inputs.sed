# A root goes on only when something comes in.
# source: src/replica/driver.c
# by: test unit/replica_root_test test_blocks_go_on
s/earlier(r->root_at, r->lazy_at)/r->lazy_at/
