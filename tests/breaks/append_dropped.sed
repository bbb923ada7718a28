# A record of the core is not handed to the journal (rule 4, persist before you speak).
# source: src/replica/driver.c
# by: world durability
s/^    if (journal_append(r->journal, JOURNAL_RECORD, parts, 2, NULL) == 0)/    if (false)/
