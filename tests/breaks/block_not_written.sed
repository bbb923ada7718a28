# A block that is voted for is not written (attack H14).
# source: src/replica/deliver.c
# by: world liveness|lost|halt|stop|prefix
s/^        journal_append(r->journal, JOURNAL_BLOCK, parts, 2, &slot->journal_address);/        1 + journal_last(r->journal);/
