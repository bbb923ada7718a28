# Two answers of one member are two voices (attack C5).
# source: src/client/client_ballot.c
# by: test unit/client_request_test one_replica_is_one_voice
s/^    if (voice == ballot->count) {/    if (ballot->count < ballot->capacity) {/;s/^    ballot->answers\[voice\] = \*answer;/    ballot->answers[ballot->count - 1] = *answer;/
