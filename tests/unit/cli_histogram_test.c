/* The histogram of the benchmark: every quantile within 2 % of the exact one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prng.h"
#include "cli/histogram.h"

#define COUNT 20000

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void quantiles_are_close(void **state) {
    (void)state;
    static histogram_t histogram;
    static uint64_t values[COUNT];
    prng_t prng = prng_of(7);
    for (uint32_t i = 0; i < COUNT; i++) {
        values[i] = prng_below(&prng, UINT64_C(1) << (12 + prng_below(&prng, 24))) + 100000;
        histogram_add(&histogram, values[i]);
    }
    qsort(values, COUNT, sizeof values[0], by_value);
    const double parts[] = {0.0, 0.1, 0.5, 0.9, 0.99, 0.999};
    for (uint32_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        uint64_t exact = values[(uint32_t)(parts[i] * COUNT)];
        uint64_t got = histogram_quantile_ns(&histogram, parts[i]);
        assert_in_range(got, exact - exact / 50, exact + exact / 50 + 512);
    }
    assert_int_equal(histogram_quantile_ns(&histogram, 1.0), values[COUNT - 1]);
}

static void extremes_have_a_place(void **state) {
    (void)state;
    static histogram_t histogram;
    histogram_add(&histogram, 0);
    histogram_add(&histogram, UINT64_MAX);
    assert_int_equal(histogram.total, 2);
    assert_int_equal(histogram.max_ns, UINT64_MAX);
    assert_in_range(histogram_quantile_ns(&histogram, 0.0), 0, 1024);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(quantiles_are_close),
                                       cmocka_unit_test(extremes_have_a_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
