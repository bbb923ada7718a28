# Something of the state is not in the state.
# source: src/protocol/hotstuff/hotstuff.c
# by: sweep purity
s/^    step_t step = {state, env, event, effects};/&\n    static uint64_t steps;\n    state->views_failed += steps++ % 2;\n    state->wanted += steps % 7 == 0;/
