/* Back-off of view time-outs: pure arithmetic that leader-based cores share.
 *
 * The time-out doubles with each view that ended without progress. Progress takes it back down to
 * what the network needs, not by a step each time: with rotation f dead seats spoil more views in a
 * round than there are commits, and steps would only go up; nor down to the base: where messages
 * take longer than that, each block would pay the whole climb again. It is capped: views are
 * synchronised by certificates and by f + 1 time-outs, not by waiting long enough (attacks P9,
 * H10).
 */
#ifndef MODEL_PACEMAKER_H
#define MODEL_PACEMAKER_H

#include <stdint.h>

/* 2^6: with the default half second a view waits at most 32 s. */
#define PACEMAKER_EXPONENT_MAX 6

typedef struct pacemaker {
    uint64_t base_ns;
    uint32_t exponent;
} pacemaker_t;

static inline void pacemaker_view_failed(pacemaker_t *pacemaker) {
    if (pacemaker->exponent < PACEMAKER_EXPONENT_MAX)
        pacemaker->exponent++;
}
/* The view in which progress was made took `took_ns`. The smallest time-out that is twice that is
 * enough; never a larger one than now, so a leader just below the time-out cannot raise it (attack
 * P11). */
static inline void pacemaker_progress(pacemaker_t *pacemaker, uint64_t took_ns) {
    while (pacemaker->exponent > 0 &&
           (pacemaker->base_ns << (pacemaker->exponent - 1)) / 2 >= took_ns)
        pacemaker->exponent--;
}
static inline uint64_t pacemaker_timeout_ns(const pacemaker_t *pacemaker) {
    return pacemaker->base_ns << pacemaker->exponent;
}

#endif
