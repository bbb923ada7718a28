# A liar that keeps a certificate tells the others how long a view takes (HS 3, attack P11).
# source: src/protocol/hotstuff/chain.c
# by: test scenario/hotstuff_family_test a_certificate_that_is_found_by_asking
s/^    bool tells = state->times_left == 0 .*/    bool tells = state->times_left == 0;/
