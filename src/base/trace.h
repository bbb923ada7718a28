/* Trace: what happened, as a running 64-bit hash and, if somebody listens, as lines of text. The
 * hash is how two runs are compared (rule 9: the same seed gives the same trace on every build), so
 * it depends on the noted numbers only, never on addresses or on whether anybody listens. */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include <stdint.h>

typedef struct trace {
    uint64_t hash;
    uint64_t count;
    /* Optional listener: `what` is a static name, a..d are its numbers. */
    void (*line)(void *context, uint64_t now_ns, uint32_t who, const char *what, uint64_t a,
                 uint64_t b, uint64_t c, uint64_t d);
    void *context;
} trace_t;

/* Adds an entry. `what` is hashed by its characters. */
void trace_note(trace_t *trace, uint64_t now_ns, uint32_t who, const char *what, uint64_t a,
                uint64_t b, uint64_t c, uint64_t d);

#endif
