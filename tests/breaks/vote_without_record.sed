# No record before a vote (HS 8).
# source: src/protocol/hotstuff/chain.c
# by: sweep durability
/^    renew_lease(step);/{
n
d
}
