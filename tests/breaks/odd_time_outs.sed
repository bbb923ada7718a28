# Time-outs with a height or digest are counted (HS 13, attack Q7).
# source: src/protocol/hotstuff/hotstuff.c
# by: sweep liveness
s/message->statement\.height == 0 &&/true \&\&/
s/digest_is_zero(&message->statement\.digest)/true/
