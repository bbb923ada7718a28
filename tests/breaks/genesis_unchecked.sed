# The journal of another chain is replayed.
# source: src/replica/recover.c
# by: test unit/replica_journal_test test_journal_of_another_member
s/^    if (!bytes_equal(entry->body, bytes_of(ours, sizeof ours)))/    if (false)/
