# The release of a segment takes the only copy of what the core promised.
# source: src/replica/space.c
# by: test unit/replica_snapshot_test test_promises_are_carried_over
s/^        if (record->bytes.size == 0 || r->record_sequences\[key\] >= below)/        if (below > 0)/
