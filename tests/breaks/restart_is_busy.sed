# A restarted member waits for the block of its highest certificate, final or not (HS 15).
# source: src/protocol/hotstuff/hotstuff.c
# by: sweep idle
s/^    state->leader_since_ns = event->now_ns;/    state->payload_height = high_qc(state)->statement.height;\n&/
