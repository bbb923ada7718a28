# Each record has a key of its own.
# source: src/protocol/hotstuff/record.c
# by: sweep bounds
s/^    effect->persist.bytes = /    effect->persist.key = (uint32_t)(state->voted + state->left);\n&/
