# The certificate is sent by itself although the proposal carries it (HS 5).
# source: src/protocol/hotstuff/lead.c
# by: test scenario/hotstuff_pace_test messages_of_the_normal_case
/^    state->announced = qc->statement.view;/d
