# Whoever is further behind than the index of the journal reaches gets no answer, and does not learn
# that it needs a snapshot.
# source: src/replica/serve.c
# by: test unit/replica_serve_test test_behind_the_index
s/ ledger_height(r->ledger) - height < INDEX_HEIGHTS &&$/ true \&\&/
