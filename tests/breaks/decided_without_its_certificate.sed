# A leader that lacks what was certified in the view that was decided does not ask for it (HSB 1).
# source: src/protocol/hotstuff/lead.c
# by: test unit/hotstuff_core_test what_was_certified_is_asked_for
/^        ask_for_certified(step);/d
