# No record before a time-out (HS 11).
# source: src/protocol/hotstuff/pace.c
# by: sweep durability
/^        persist_record(step);/d
