# The block need not stand on the certificate that came with it (HS 7, attack H1).
# source: src/protocol/hotstuff/chain.c
# by: test scenario/hotstuff_vote_test votes_only_on_the_view_before
s/^    if ((!is_again(message) \&\& !stands_on(step->env, message)) || /    if (/
