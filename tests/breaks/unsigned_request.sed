# A request without its client's signature goes into the mempool (attack K1).
# source: src/replica/submit.c
# by: test unit/replica_submit_test test_replies_need_the_key
s/^        if (!job->items\[i\].good) {/        if (false) {/
