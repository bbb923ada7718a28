# A TC of the view of the prepareQC is not in the record (HSB 1, HS 15, attack H8).
# source: src/protocol/hotstuff/pace.c
# by: test scenario/hotstuff_basic_test back_in_the_view_after_the_time_outs
s/ + four_phases(state) > certified;/ > certified;/
