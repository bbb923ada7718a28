# The time-out certificate of the record is not restored (HS 15, attack H8).
# source: src/protocol/hotstuff/record.c
# by: test scenario/hotstuff_pace_test restart_after_a_time_out_certificate
s/^    state->has_tc = tc != NULL;/    state->has_tc = false;/
