# Time-outs with a height or digest are counted (HS 13, attack Q7).
# source: src/protocol/hotstuff/hotstuff.c
# by: sweep liveness
/^                       message->statement.height == 0 &&/{
N
s/.*/                       true/
}
