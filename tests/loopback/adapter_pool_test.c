/* The signature pool: every job comes back; at the end those that did not begin never do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapter/uv_pool.h"

static uv_loop_t loop;
static _Atomic int worked;
static uint64_t sum;

typedef struct test_job {
    job_t job; /* first */
    uint64_t result;
} test_job_t;

static void run_job(job_t *job) {
    ((test_job_t *)job)->result++;
    worked++;
}
static void slow_job(job_t *job) {
    (void)usleep(50000);
    run_job(job);
}
static void on_job(void *context, job_t *job) {
    assert_ptr_equal(context, &sum);
    sum += ((test_job_t *)job)->result;
}

static void test_pool(void **state) {
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    static test_job_t jobs[POOL_JOBS_MAX];
    pool_t *pool = pool_open(&loop, 2, NULL, on_job, &sum);
    assert_non_null(pool);
    sum = 0;
    worked = 0;
    for (uint32_t at = 0; at < POOL_JOBS_MAX; at++) {
        jobs[at] = (test_job_t){.job.work = run_job};
        pool_run(pool, &jobs[at].job);
    }
    while (sum < POOL_JOBS_MAX) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    for (uint32_t at = 0; at < 20; at++) {
        jobs[at].job.work = slow_job;
        pool_run(pool, &jobs[at].job);
    }
    (void)usleep(10000);
    pool_close(pool);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_in_range(worked, POOL_JOBS_MAX + 1, POOL_JOBS_MAX + 4);
    assert_int_equal(sum, POOL_JOBS_MAX);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pool)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
