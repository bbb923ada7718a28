# A final block that was found by asking does not bring the back-off down (HS 17).
# source: src/protocol/hotstuff/chain.c
# by: test scenario/hotstuff_family_test a_certificate_that_is_found_by_asking
s/^        delivered(step, step->event->jump.height);/        state->delivered = step->event->jump.height;/
