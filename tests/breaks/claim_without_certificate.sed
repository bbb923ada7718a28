# A time-out may claim a certificate that it does not carry (HS 13).
# source: src/protocol/hotstuff/pace.c
# by: sweep liveness
s/^    if (message->certificates\[0\]->statement.view < statement->claims\[0\].view)/    if (false)/
