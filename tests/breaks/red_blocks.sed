# Votes whatever the verdict says (HS 8).
# source: src/protocol/hotstuff/chain.c
# by: sweep validity
s/^        step->event->verdict.verdict != VERDICT_GREEN)/        false)/
