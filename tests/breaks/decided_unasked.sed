# Who missed that a view was decided is not told (HSB 7).
# source: src/protocol/hotstuff/pace.c
# by: test scenario/hotstuff_basic_test the_leader_stops_in_each_phase
s/^        send_decided(step, message->author);/        return;/
