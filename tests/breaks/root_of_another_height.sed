# A root that took many turns is told as that of the height that was reached meanwhile.
# source: src/replica/attest.c
# by: world root
s/^    r->root_height = r->rooting;/    r->root_height = ledger_height(r->ledger);/
