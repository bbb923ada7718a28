# What is executed is not checked against what the block says (attack H14).
# source: src/replica/judge.c
# by: world root|validity|stop|liveness
# proof only: thousands of seeds
s/^    return slot->root_checked || digest_payload(r, slot, &count);/    return true;/
