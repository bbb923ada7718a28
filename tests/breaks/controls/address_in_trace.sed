# An address stands in the trace, which differs from start to start: the control of determinism.
# source: sim/world.c
# by: control
s/^    trace_note(&w->trace, w->now_ns, who, what, a, b, 0, 0);/    trace_note(\&w->trace, w->now_ns, who, what, a ^ (uint64_t)(uintptr_t)w, b, 0, 0);/
