# A payload on another parent than the highest certificate is not asked for again (HS 6).
# source: src/protocol/hotstuff/lead.c
# by: test scenario/hotstuff_pace_test a_higher_certificate_while_waiting_for_the_payload
s/^        state->wanted = 0; .*//
