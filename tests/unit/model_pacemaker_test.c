/* The back-off: up with each failed view, down with progress to what it took, never beyond its
 * bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/pacemaker.h"

#define BASE_NS UINT64_C(500000000)

static void test_up_and_down(void **state) {
    (void)state;
    pacemaker_t pacemaker = {.base_ns = BASE_NS};
    const uint64_t factors[] = {2, 4, 8, 16, 32, 64, 64, 64};
    assert_int_equal(pacemaker_timeout_ns(&pacemaker), BASE_NS);
    for (uint32_t i = 0; i < 8; i++) {
        pacemaker_view_failed(&pacemaker);
        assert_int_equal(pacemaker_timeout_ns(&pacemaker), factors[i] * BASE_NS);
    }
    for (uint32_t i = 6; i > 0; i--) {
        pacemaker_progress(&pacemaker, (BASE_NS << i) / 2); /* just within half of it */
        assert_int_equal(pacemaker_timeout_ns(&pacemaker), BASE_NS << i);
        pacemaker_progress(&pacemaker, (BASE_NS << i) / 4);
        assert_int_equal(pacemaker_timeout_ns(&pacemaker), BASE_NS << (i - 1));
    }
    pacemaker_progress(&pacemaker, 0);
    assert_int_equal(pacemaker_timeout_ns(&pacemaker), BASE_NS);
}

/* At once, however far up: whatever was wrong is over. */
static void test_down_at_once(void **state) {
    (void)state;
    pacemaker_t pacemaker = {.base_ns = BASE_NS, .exponent = PACEMAKER_EXPONENT_MAX};
    pacemaker_progress(&pacemaker, BASE_NS / 2);
    assert_int_equal(pacemaker_timeout_ns(&pacemaker), BASE_NS);
}

/* attack P11: a leader that takes nearly all of the time keeps the time-out where it is; it does
 * not get more. */
static void test_never_up(void **state) {
    (void)state;
    for (uint32_t exponent = 0; exponent <= PACEMAKER_EXPONENT_MAX; exponent++) {
        pacemaker_t pacemaker = {.base_ns = BASE_NS, .exponent = exponent};
        pacemaker_progress(&pacemaker, pacemaker_timeout_ns(&pacemaker) - 1);
        assert_int_equal(pacemaker.exponent, exponent);
        pacemaker_progress(&pacemaker, UINT64_MAX);
        assert_int_equal(pacemaker.exponent, exponent);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_up_and_down),
                                       cmocka_unit_test(test_down_at_once),
                                       cmocka_unit_test(test_never_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
