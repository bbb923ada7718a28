# A record forgets the time-out of a view that is over (HS 11).
# source: src/protocol/hotstuff/record.c
# by: world durability
s/^    write_u64(&writer, state->left);/    write_u64(\&writer, state->left < state->view ? 0 : state->left);/
