# A failed append is taken for a good one (attack F2).
# source: src/replica/journal.c
# by: test unit/journal_write_test test_first_failure_latches
s/^    if (status != SYNOD_OK) {/    if (false) {/
