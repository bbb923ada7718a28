/* Back-off of view time-outs: pure arithmetic that leader-based cores share.
 *
 * The time-out doubles with each view that ended without progress. What a commit takes back is the
 * core's choice: one step (pacemaker_progress), or all (HotStuff, page: HS 3). It is capped: views
 * are synchronised by certificates and by f + 1 time-outs, not by waiting long enough (attacks P9,
 * H10). */
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
static inline void pacemaker_progress(pacemaker_t *pacemaker) {
    if (pacemaker->exponent > 0)
        pacemaker->exponent--;
}
static inline uint64_t pacemaker_timeout_ns(const pacemaker_t *pacemaker) {
    return pacemaker->base_ns << pacemaker->exponent;
}

#endif
