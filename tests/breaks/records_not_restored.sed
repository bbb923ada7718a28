# A restarted core is told nothing of what it promised.
# source: src/replica/recover.c
# by: world conflict|durability
s/^    driver_start(r, r->records, live);/    driver_start(r, r->records, 0);/
