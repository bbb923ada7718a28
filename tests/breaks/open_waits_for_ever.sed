# An open request whose session a transferred state has is never dropped, and what came after it
# waits behind it.
# source: src/replica/submit.c
# by: test unit/replica_submit_test test_an_open_session_waits_for_nothing
s/^    return ledger_find_session(r->ledger, &key, nonce) != 0;/    return false;/
