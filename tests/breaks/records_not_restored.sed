# A restarted core is told nothing of what it promised.
# source: src/replica/recover.c
# by: world conflict|durability
s/^    driver_start(r, r->live_records, live);/    driver_start(r, r->live_records, 0);/
