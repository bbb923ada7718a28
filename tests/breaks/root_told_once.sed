# A root is told once: where the one frame was lost and nothing executes, the snapshot that would make
# room waits for it for ever.
# source: src/replica/attest.c
# by: test unit/replica_sync_test test_a_root_is_told_again
s/^    r->tell_at = r->now.now_ns + (TELL_NS << r->tell_tries);/    r->tell_at = 0;/
