# A block with a request that its client did not sign is good (attack K1).
# source: src/replica/judge.c
# by: test unit/replica_submit_test test_bad_signature_inside_a_proposal
s|^        verdict(r, slot, bad == 0);|        verdict(r, slot, true);|
