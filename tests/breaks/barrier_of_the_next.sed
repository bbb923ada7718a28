# The outbox waits for what was durable before, not for what was asked for.
# source: src/replica/outbox.c
# by: world durability
s/^    uint64_t barrier = early ? 0 : .*/    uint64_t barrier = journal_durable(r->journal);/
