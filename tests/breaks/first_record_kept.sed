# Recovery restores the first record of the core, not the last.
# source: src/replica/recover.c
# by: world conflict|durability|liveness
s/^    uint8_t \*to = r->record_room + key \* bound;/    if (r->records[key].bytes.size > 0)\n        return;\n&/
