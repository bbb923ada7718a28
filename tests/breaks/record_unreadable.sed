# The record is written in a form that is not read again.
# source: src/protocol/hotstuff/record.c
# by: sweep halt
s/^    write_u8(&writer, RECORD_VERSION);/    write_u8(\&writer, RECORD_VERSION + 1);/
