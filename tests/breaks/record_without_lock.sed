# The record does not hold the lock: after a restart nobody is locked (HSC 2, HS2 2).
# source: src/protocol/hotstuff/record.c
# by: protocol hotstuff-chained durability
s/^    write_u64(&writer, state->locked);/    write_u64(\&writer, 0);/
