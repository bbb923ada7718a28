# Bytes that a final block lacks are not asked for (PAY 6).
# source: src/replica/lanes_fetch.c
# by: test scenario/payload_test test_bytes_come_from_other_signers
s/^ *ask(r, member, named.reference.author, named.sequence);/        (void)ask;/
