/* What a load counts as answered, by which CPU and bytes are divided: not what its client gave up,
 * which cost nobody a reply. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/bench.h"

#define OPERATIONS 8

static bench_t bench;
static started_t starts[STARTS];
static uint32_t key_operations[1];

uint64_t monotonic_ns(void) {
    return 1;
}

int local_client(const verb_t *verb, const cluster_t *cluster, const synod_client_options *tuning,
                 synod_client **client) {
    (void)verb, (void)cluster, (void)tuning, (void)client;
    return -1;
}

/* Each outcome there is, at once. */
synod_status synod_client_submit(synod_client *client, synod_bytes operation,
                                 synod_client_done *done, void *context) {
    static const synod_client_result outcomes[OPERATIONS] = {
        {.status = SYNOD_OK, .height = 7},
        {.status = SYNOD_UNKNOWN},
        {.status = SYNOD_APP_ERROR, .height = 7},
        {.status = SYNOD_BUSY},
        {.status = SYNOD_UNKNOWN, .height = 7}, /* it ran, its answer is kept no longer */
        {.status = SYNOD_OK, .height = 7, .late = true},
        {.status = SYNOD_UNKNOWN},
        {.status = SYNOD_UNKNOWN},
    };
    uint32_t number = (uint32_t)(uintptr_t)context;
    (void)client, (void)operation;
    if (number == OPERATIONS) {
        atomic_store(&bench.ending, true);
        return SYNOD_BUSY;
    }
    done(context, &outcomes[number]);
    return SYNOD_OK;
}

synod_status synod_client_query(synod_client *client, synod_bytes query, bool prove,
                                synod_client_done *done, void *context) {
    (void)client, (void)query, (void)prove, (void)done, (void)context;
    return SYNOD_BUSY;
}

bool synod_client_wait(synod_client *client, uint64_t timeout_ns) {
    (void)client, (void)timeout_ns;
    return false;
}

void synod_client_close(synod_client *client) {
    (void)client;
}

static void test_what_is_answered(void **state) {
    (void)state;
    bench.outstanding = 1;
    bench.batch = 2;
    bench.keys = 1;
    bench.starts = starts;
    bench.key_operations = key_operations;
    assert_null(profile_sizes(&bench.profile, "64"));
    assert_null(profile_reads(&bench.profile, "0"));
    assert_null(profile_spread(&bench.profile, "uniform", 1));
    assert_int_equal(uv_mutex_init(&bench.mutex), 0);
    assert_int_equal(uv_cond_init(&bench.reached), 0);
    (void)bench_open_client(&bench, 1, 1);
    bench_load(&bench);
    assert_int_equal(bench.submitted, OPERATIONS);
    assert_int_equal(atomic_load(&bench.completed), OPERATIONS - 1); /* the late one had */
    assert_int_equal(atomic_load(&bench.answered), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_answered)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
