# A member that sends no chunk is asked again and again.
# source: src/replica/transfer.c
# by: test unit/replica_transfer_test test_servers_that_go
s/^        change_server(r);$/        ask_chunks(r);/
