# A batch with a request that its client did not sign is acknowledged (PAY 2, attack K1).
# source: src/replica/lanes_take.c
# by: test unit/replica_batches_test test_unsigned_request_in_a_batch
s/^    if (bad == 0) {/    if (bad <= job->count) {/
