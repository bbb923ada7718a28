# A block is final when its child is certified in any later view (HS 3, attack H2).
# source: src/protocol/hotstuff/chain.c
# by: sweep proof
s/^    return parent > 0 \&\& parent + 1 == qc->statement.view ?/    return parent > 0 ?/
