# A proposal relies on a lease that is still on its way to the disk (HS 6).
# source: src/protocol/hotstuff/lead.c
# by: test scenario/hotstuff_crash_test no_proposal_outruns_its_lease
s/^    if (state->view <= state->lease_durable)/    if (state->view <= state->lease)/
