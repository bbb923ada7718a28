# Patience does not grow with the time-outs (HS 16, attack P9).
# source: src/protocol/hotstuff/pace.c
# by: test scenario/hotstuff_pace_test back_off_reaches_a_slow_network
s/(request_patience_ns(step->env) << state->pacemaker.exponent)/request_patience_ns(step->env)/
