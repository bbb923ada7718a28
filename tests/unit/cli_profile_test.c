/* The load that `synod bench` draws: sizes, share of reads and spread of keys as asked for, the
 * same for the same seed, and flags that cannot be read refused with a sentence. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/profile.h"

#define DRAWS 200000u
#define KEYS 1000u

static profile_t profile_like(const char *sizes, const char *reads, const char *spread) {
    profile_t profile = {.prng = prng_of(5)};
    assert_null(profile_sizes(&profile, sizes));
    assert_null(profile_reads(&profile, reads));
    assert_null(profile_spread(&profile, spread, KEYS));
    return profile;
}

/* Of `DRAWS` with this probability, six standard deviations around the mean: wrong by chance once
 * in 10^9 seeds, and the seed is fixed. */
static void assert_near(uint64_t count, double probability) {
    double mean = DRAWS * probability, sigma = sqrt(mean * (1 - probability));
    if (fabs((double)count - mean) > 6 * sigma + 1)
        fail_msg("%llu draws, expected %.0f +- %.0f", (unsigned long long)count, mean, 6 * sigma);
}

static void count_keys(profile_t *profile, uint32_t counts[KEYS]) {
    memset(counts, 0, KEYS * sizeof counts[0]);
    for (uint32_t i = 0; i < DRAWS; i++) {
        uint64_t key = profile_draw(profile).key;
        assert_true(key < KEYS);
        counts[key]++;
    }
}

/* Every key as often as the definition says, for exponents below, at and above 1. */
static void zipf_is_exact(void **state) {
    (void)state;
    static uint32_t counts[KEYS];
    static const struct {
        const char *text;
        double exponent;
    } cases[] = {{"zipf", 0.99}, {"zipf:0.5", 0.5}, {"zipf:1", 1.0}, {"zipf:2", 2.0}};
    for (uint32_t c = 0; c < 4; c++) {
        profile_t profile = profile_like("128", "0", cases[c].text);
        count_keys(&profile, counts);
        double sum = 0;
        for (uint32_t k = 1; k <= KEYS; k++)
            sum += pow(k, -cases[c].exponent);
        for (uint32_t k = 1; k <= KEYS; k++)
            assert_near(counts[k - 1], pow(k, -cases[c].exponent) / sum);
    }
}

static void uniform_and_hot(void **state) {
    (void)state;
    static uint32_t counts[KEYS];
    profile_t profile = profile_like("128", "0", "uniform");
    count_keys(&profile, counts);
    for (uint32_t k = 0; k < KEYS; k++)
        assert_near(counts[k], 1.0 / KEYS);
    profile = profile_like("128", "0", "hot:1%:80%");
    count_keys(&profile, counts);
    for (uint32_t k = 0; k < KEYS; k++)
        assert_near(counts[k], k < 10 ? 0.8 / 10 : 0.2 / 990);
}

static void sizes_and_reads(void **state) {
    (void)state;
    profile_t profile = profile_like("100:90,4k..5k:10", "25%", "zipf");
    uint64_t small = 0, reads = 0, sum = 0;
    for (uint32_t i = 0; i < DRAWS; i++) {
        draw_t draw = profile_draw(&profile);
        bool large = draw.size >= 4096 && draw.size <= 5120;
        assert_true(large || draw.size == 100);
        small += !large;
        sum += large ? draw.size - 4096 : 0;
        reads += draw.read;
    }
    assert_near(small, 0.9);
    assert_near(reads, 0.25);
    assert_in_range(sum / (DRAWS - small), 490, 534); /* evenly from 0 to 1,024 */
    assert_int_equal(profile_size_max(&profile), 5120);
}

static void one_seed_one_load(void **state) {
    (void)state;
    profile_t a = profile_like("64..1k", "50", "zipf"), b = a, c = a;
    c.prng = prng_of(6);
    uint32_t same = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        draw_t x = profile_draw(&a), y = profile_draw(&b), z = profile_draw(&c);
        assert_true(x.key == y.key && x.size == y.size && x.read == y.read);
        same += x.key == z.key && x.size == z.size && x.read == z.read;
    }
    assert_true(same < 100);
}

static void one_key_takes_all(void **state) {
    (void)state;
    profile_t profile = {.prng = prng_of(1)};
    const char *spreads[] = {"uniform", "zipf", "zipf:3", "hot"};
    assert_null(profile_sizes(&profile, "0"));
    for (uint32_t s = 0; s < 4; s++) {
        assert_null(profile_spread(&profile, spreads[s], 1));
        for (uint32_t i = 0; i < 100; i++)
            assert_int_equal(profile_draw(&profile).key, 0);
    }
}

static void nonsense_is_refused(void **state) {
    (void)state;
    profile_t profile = {0};
    const char *sizes[] = {"",
                           "x",
                           "1..",
                           "9..3",
                           "1,",
                           "1:0",
                           "513k",
                           "1:2:3",
                           "1 ,2",
                           "1;2",
                           "-5",
                           "1:x",
                           "99999999999999999999",
                           "1k..2",
                           "1:-1",
                           "4m",
                           "1,1,1,1,1,1,1,1,1"};
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (profile_sizes(&profile, sizes[i]) == NULL)
            fail_msg("sizes \"%s\" was taken", sizes[i]);
    const char *reads[] = {"", "x", "101", "-1", "5%%", "nan", "inf"};
    for (uint32_t i = 0; i < sizeof reads / sizeof reads[0]; i++)
        if (profile_reads(&profile, reads[i]) == NULL)
            fail_msg("reads \"%s\" was taken", reads[i]);
    const char *spreads[] = {"",        "zip",    "zipf:",  "zipf:0",  "zipf:11",    "zipf:1x",
                             "zipf:-1", "hot:",   "hot:5",  "hot:5:",  "hot:101:5",  "hot:5%:6%x",
                             "Uniform", "zipfer", "hotter", "hot:5%6", "uniform:1.0"};
    for (uint32_t i = 0; i < sizeof spreads / sizeof spreads[0]; i++)
        if (profile_spread(&profile, spreads[i], KEYS) == NULL)
            fail_msg("spread \"%s\" was taken", spreads[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zipf_is_exact),     cmocka_unit_test(uniform_and_hot),
        cmocka_unit_test(sizes_and_reads),   cmocka_unit_test(one_seed_one_load),
        cmocka_unit_test(one_key_takes_all), cmocka_unit_test(nonsense_is_refused)};
    return cmocka_run_group_tests_name("the profile of a load", tests, NULL, NULL);
}
