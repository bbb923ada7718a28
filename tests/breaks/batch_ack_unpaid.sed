# An author may have a member sign one acknowledgement as often as it likes (attack N7).
# source: src/replica/lanes_take.c
# by: test unit/replica_batches_test test_acknowledging_again_is_paid_for
s/^    if (!quota_work(r, link, said ? SIGN_WORK_NS : ASK_WORK_NS))/    if (false)/
