# A block that the pool found good is voted for although the journal has no room for it any more:
# the replica stops.
# source: src/replica/judge.c
# by: test unit/replica_space_test test_a_verdict_finds_no_room
s/^    if (!slot->asked || may_be_written(r, slot))$/    if (true)/
