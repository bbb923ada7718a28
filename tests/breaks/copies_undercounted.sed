# Blocks that are written again count for less than they take: the last of them finds no room, and
# the replica stops.
# source: src/replica/space.c
# by: test unit/replica_space_test test_blocks_that_just_do_not_fit
s/^\( *bytes += \)journal_cost(\(.*\) + SYNOD_DIGEST_BYTES);/\1\2 + JOURNAL_RECORD_HEADER_BYTES;/
