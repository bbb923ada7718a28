# A peer that was recovering is not asked again (seed 5685).
# source: src/replica/sync.c
# by: test unit/replica_sync_test test_silence_is_no_answer
s/^    if (r->sync_at == 0)$/    if (r->sync_at == 0 \&\& r->final_height > ledger_height(r->ledger))/
