# An author takes one honest member's acknowledgement for enough: nobody else does (PAY 3).
# source: src/replica/lanes_own.c
# by: payload liveness
# proof only
s/quorum_met(committee, QUORUM_DECIDE, /quorum_met(committee, QUORUM_ONE_HONEST, /
