# Recovery restores the first record of the core, not the last.
# source: src/replica/recover.c
# by: world conflict|durability|liveness
s/^    space_keep_record(r, &record);/    if (r->records[key].bytes.size == 0)\n        space_keep_record(r, \&record);/
