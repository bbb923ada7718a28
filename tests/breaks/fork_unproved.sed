# Whoever sends a chain that does not begin on what was executed here is believed without a proof.
# source: src/replica/sync.c
# by: test unit/replica_fork_test test_made_up_forks
s/^    bool proved = answer->proof.size > 0 && take_proof/    if (block->height == ledger_height(r->ledger) + 1 \&\& !digest_equal(\&block->parents[0], \&r->executed_id))\n        replica_halt(r, SYNOD_CONFLICT, "a fork: more than f members are faulty");\n&/
