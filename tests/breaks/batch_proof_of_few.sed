# References that one honest member vouches for are taken (PAY 3).
# source: src/replica/lanes_take.c
# by: test unit/replica_batches_test test_certificate_of_few
s/committee, QUORUM_DECIDE, &r->env.anchor/committee, QUORUM_ONE_HONEST, \&r->env.anchor/
