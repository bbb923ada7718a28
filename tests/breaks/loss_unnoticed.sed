# Remains that prove a loss are cut like a torn write (attacks F3, F4).
# source: src/replica/journal_scan.c
# by: test fault/journal_damage_test test_each_byte_rots
s/^    if (header->committed > journal->sequence) {/    if (false) {/
