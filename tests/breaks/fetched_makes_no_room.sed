# A fetched snapshot that blocks have overtaken makes no room.
# source: src/replica/transfer.c
# by: test scenario/payload_test test_behind_a_short_journal
/block sync was faster \*\/$/,/end(r);/s/^        count_it(r);//
