# What promises something leaves before its record is durable (attack Q12).
# source: src/replica/outbox.c
# by: world durability
s/^    bool now = early || .*/    bool now = true;/
