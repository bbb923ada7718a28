/* The signature lane: worker threads that run the replica's jobs and bring them back to the loop.
 */
#ifndef ADAPTER_UV_POOL_H
#define ADAPTER_UV_POOL_H

#include <uv.h>

#include "adapter/meter.h"
#include "replica/host.h"

/* As many as the configuration allows. */
#define POOL_WORKERS_MAX 64
/* Jobs under way; the replica has at most 8. */
#define POOL_JOBS_MAX 64

typedef struct pool pool_t;

/* `done` is called on the loop's thread; `meter` may be NULL. NULL: no memory or no threads. */
pool_t *pool_open(uv_loop_t *loop, uint32_t workers, meter_t *meter,
                  void (*done)(void *context, job_t *job), void *context);
/* The job's memory stays untouched until `done`. */
void pool_run(pool_t *pool, job_t *job);
/* Jobs under way end, the others do not begin, none is reported; then the loop has to run once
 * more. */
void pool_close(pool_t *pool);

#endif
