# A leader waits for a block to propose again that it need not propose again any more (HS 19).
# source: src/protocol/hotstuff/lead.c
# by: test unit/hotstuff_core_test what_was_uncertain_became_final
s/^    bool lapsed = .*/    bool lapsed = false;/
