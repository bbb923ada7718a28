# Lock rule: the highest claim of the time-out certificate does not bind the leader (HS 7).
# source: src/protocol/hotstuff/chain.c
# by: sweep agreement|prefix
s/^           (locks || qc->statement.view >= certificate_highest_claim(tc, 0));/           (locks || qc->statement.view < UINT64_MAX);/
