# What a certificate says counts as verified before it was (attack Q8).
# source: src/replica/gate.c
# by: test unit/replica_gate_test test_unverified_certificate
s/^    if (status == SYNOD_OK)\n        status = judge_authenticity/&/;s/^        status = judge_authenticity(&judge, &message);/        remember(r, \&message), status = judge_authenticity(\&judge, \&message);/
