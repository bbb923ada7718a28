# However much all lanes may hold, one segment is left for what a release writes again: a full
# journal is never released.
# source: src/replica/open.c
# by: test unit/replica_space_test test_full_lanes_have_room
s/journal_set_reserve(r->journal, reserve(c))/journal_set_reserve(r->journal, 1)/
