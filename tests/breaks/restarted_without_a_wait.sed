# A leader that was called, and starts again, proposes without hearing the others (HS2 1).
# source: src/protocol/hotstuff/hotstuff.c
# by: test unit/hotstuff_core_test a_leader_that_restarts_waits
/^    await_others_anew(step);/d
