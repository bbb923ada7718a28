/* The back-off: up with each failed view, down with each commit, never beyond its bounds. */
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
    for (uint32_t i = 0; i < PACEMAKER_EXPONENT_MAX; i++) {
        const uint64_t before_ns = pacemaker_timeout_ns(&pacemaker);
        pacemaker_progress(&pacemaker);
        assert_int_equal(pacemaker_timeout_ns(&pacemaker), before_ns / 2);
    }
    pacemaker_progress(&pacemaker);
    assert_int_equal(pacemaker_timeout_ns(&pacemaker), BASE_NS);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_up_and_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
