# A batch is acknowledged before it is durable (PAY 2, attack D9).
# source: src/replica/lanes_take.c
# by: payload durability
s/held->journal_sequence <= journal_durable(r->journal)/held->journal_sequence != 0/
