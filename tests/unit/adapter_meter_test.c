/* The meter: time goes to the stage that a thread is at, a reader of the file sees it, and a thread
 * that does not count costs and changes nothing. */
#include "adapter/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/synod-meter-XXXXXX";
static char path[64];

static uint64_t thread_cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static void spend(uint64_t ns) {
    uint64_t end = thread_cpu_ns() + ns;
    while (thread_cpu_ns() < end) {
    }
}

static uint64_t at(meter_t *meter, stage_t stage) {
    return atomic_load(&meter->stage_ns[stage]);
}

static void test_time_goes_to_its_stage(void **unused) {
    (void)unused;
    reason_t reason;
    meter_t *meter = NULL;
    assert_int_equal(meter_open(path, &meter, &reason), SYNOD_OK);
    meter_t *seen = meter_look(path);
    assert_non_null(seen);
    uint64_t start = thread_cpu_ns();
    meter_begin(meter, STAGE_GATE);
    spend(2000000);
    assert_int_equal(meter_stage(STAGE_EXECUTE), STAGE_GATE);
    spend(6000000);
    assert_int_equal(meter_stage(STAGE_GATE), STAGE_EXECUTE);
    (void)meter_stage(STAGE_GATE);
    uint64_t all = thread_cpu_ns() - start;
    assert_true(at(seen, STAGE_GATE) >= 2000000);
    assert_true(at(seen, STAGE_EXECUTE) >= 6000000);
    uint64_t counted = 0;
    for (stage_t stage = 0; stage < STAGE_COUNT; stage++) {
        counted += at(seen, stage);
    }
    assert_true(counted <= all);
    assert_true(at(seen, STAGE_GATE) + at(seen, STAGE_EXECUTE) == counted);
    meter_close(seen);
    meter_close(meter);
}

static void test_a_thread_that_does_not_count(void **unused) {
    (void)unused;
    reason_t reason;
    meter_t *meter = NULL;
    assert_int_equal(meter_open(path, &meter, &reason), SYNOD_OK);
    meter_begin(NULL, STAGE_GATE);
    spend(1000000);
    assert_int_equal(meter_stage(STAGE_EXECUTE), STAGE_LOOP);
    assert_int_equal(meter_stage(STAGE_GATE), STAGE_LOOP);
    for (stage_t stage = 0; stage < STAGE_COUNT; stage++) {
        assert_true(at(meter, stage) == 0);
    }
    meter_close(meter);
}

/* A node that starts again counts from zero. */
static void test_a_new_file_is_zero(void **unused) {
    (void)unused;
    reason_t reason;
    meter_t *meter = NULL;
    assert_int_equal(meter_open(path, &meter, &reason), SYNOD_OK);
    meter_add(&meter->journal_bytes, 4096);
    meter_close(meter);
    assert_int_equal(meter_open(path, &meter, &reason), SYNOD_OK);
    assert_true(atomic_load(&meter->journal_bytes) == 0);
    meter_close(meter);
}

static void test_no_file(void **unused) {
    (void)unused;
    reason_t reason;
    meter_t *meter = NULL;
    assert_null(meter_look("/nonexistent/meter"));
    assert_int_equal(meter_open("/nonexistent/meter", &meter, &reason), SYNOD_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_goes_to_its_stage),
        cmocka_unit_test(test_a_thread_that_does_not_count),
        cmocka_unit_test(test_a_new_file_is_zero),
        cmocka_unit_test(test_no_file),
    };
    if (mkdtemp(folder) == NULL) {
        return EXIT_FAILURE;
    }
    (void)snprintf(path, sizeof path, "%s/meter", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    (void)rmdir(folder);
    return failed;
}
