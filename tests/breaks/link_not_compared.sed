# Whoever sends it may be the author of a message (attack K5).
# source: src/replica/gate.c
# by: test unit/replica_gate_test test_author_is_not_the_channel
s/^                     .link = link->member,/                     .link = MEMBER_NONE,/
