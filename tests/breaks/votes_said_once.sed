# Votes for a collector that failed are not said again (HSC 4, attack H3).
# source: src/protocol/hotstuff/pace.c
# by: test scenario/hotstuff_family_test every_variant_commits_with_any_seat_dead
s/^    if (rules_of(state)->votes_again \&\& /    if (false \&\& /
