# The vote does not wait for the disk, the own one neither (HS 8, attack Q12).
# source: src/protocol/hotstuff/chain.c
# by: sweep durability
s/^    statement_t \*statement = &vote->send.message.statement;/    vote->send.early = true;\n&/
