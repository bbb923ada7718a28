# A view that was timed out counts as what a view takes (HS 3, attack P9).
# source: src/protocol/hotstuff/chain.c
# by: test scenario/hotstuff_family_test a_dead_seat_costs_the_same_each_round
s/^    return tells ? took_ns : state->good_view_ns;/    return state->times_left > 0 ? took_ns : tells ? took_ns : state->good_view_ns;/
