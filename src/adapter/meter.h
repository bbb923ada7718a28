/* Measuring a node while it runs: bytes by kind of frame and to the disk, processor time by stage.
 *
 * The numbers are one page of a file that the node maps and whoever measures maps too, so reading
 * them costs the node nothing. Off unless the configuration asks for it (docs/guide/bench.md). Time
 * is that of each thread's own processor clock, read when a thread goes from one stage to another:
 * it includes what the kernel does on the thread's behalf, and neither waiting nor others' turns.
 */
#ifndef ADAPTER_METER_H
#define ADAPTER_METER_H

#include <stdatomic.h>

#include "adapter/reason.h"
#include "codec/frame.h"
#include "replica/host.h"

#define METER_FILE "meter"

typedef struct meter {
    atomic_uint_fast64_t stage_ns[STAGE_COUNT];
    atomic_uint_fast64_t frame_bytes_out[FRAME_KIND_END]; /* headers too; TLS and TCP not */
    atomic_uint_fast64_t journal_writes, journal_bytes;   /* each write is synced */
    atomic_uint_fast64_t grown_bytes;                     /* zeros, ahead of the journal */
} meter_t;

typedef struct meter_stage_name {
    const char *name; /* for programs, in metrics and JSON alike */
    const char *text; /* for people */
} meter_stage_name_t;
extern const meter_stage_name_t meter_stage_names[STAGE_COUNT];

/* Makes the file anew, all zero. */
synod_status meter_open(const char *path, meter_t **meter, reason_t *reason);
/* Maps what a running node counts; NULL: there is none. */
meter_t *meter_look(const char *path);
void meter_close(meter_t *meter);

/* From here on this thread's time counts, and goes to `stage`. NULL: nothing happens. */
void meter_begin(meter_t *meter, stage_t stage);
/* What follows in this thread is of this stage; returns the one before. Costs nothing to speak of
 * in a thread that does not count. */
stage_t meter_stage(stage_t stage);

static inline void meter_add(atomic_uint_fast64_t *to, uint64_t amount) {
    atomic_fetch_add_explicit(to, amount, memory_order_relaxed);
}

#endif
