/* The signature lane: a crew whose items are jobs. */
#include "adapter/uv_pool.h"

#include <stdlib.h>

#include "adapter/uv_crew.h"

struct pool {
    crew_t *crew;
    meter_t *meter;
    void (*done)(void *context, job_t *job);
    void *context;
};

static void work(void *context, void *item) {
    job_t *job = *(job_t **)item;
    meter_begin(((pool_t *)context)->meter, STAGE_REQUEST_SIGNATURE);
    job->work(job);
}

static void done(void *context, void *item) {
    pool_t *pool = context;
    pool->done(pool->context, *(job_t **)item);
}

pool_t *pool_open(uv_loop_t *loop, uint32_t workers, meter_t *meter,
                  void (*on_done)(void *context, job_t *job), void *context) {
    reason_t reason;
    pool_t *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    const crew_options_t options = {.loop = loop,
                                    .threads = workers,
                                    .item_bytes = sizeof(job_t *),
                                    .capacity = POOL_JOBS_MAX,
                                    .context = pool,
                                    .work = work,
                                    .done = done};
    *pool = (pool_t){.meter = meter, .done = on_done, .context = context};
    pool->crew = crew_open(&options, &reason);
    if (pool->crew == NULL) {
        free(pool);
        return NULL;
    }
    return pool;
}

void pool_run(pool_t *pool, job_t *job) {
    crew_put(pool->crew, &job);
}

static void on_stopped(void *context) {
    pool_t *pool = context;
    crew_free(pool->crew);
    free(pool);
}

void pool_close(pool_t *pool) {
    crew_when_stopped(pool->crew, on_stopped);
    crew_stop(pool->crew, CREW_ABANDON);
}
