/* The hook clock=MS of faults.h: a validator whose clock is wrong. */
#include "node/faults.h"

#ifdef SYNOD_FAULT_HOOKS

#include <stdlib.h>

#define CLOCK_MAX_MS 3600000

static int64_t clock_ahead_ns; /* a process with hooks runs one node */

int64_t faults_clock_ns(void) {
    return clock_ahead_ns;
}

bool faults_read_clock(const char *text) {
    char *end = NULL;
    long ahead_ms = strtol(text, &end, 10);
    bool good =
        end != text && *end == '\0' && ahead_ms >= -CLOCK_MAX_MS && ahead_ms <= CLOCK_MAX_MS;
    clock_ahead_ns = good ? (int64_t)ahead_ms * 1000000 : 0;
    return good;
}

#else

typedef int no_hooks; /* a file of C holds something */

#endif
