/* Every status of include/synod/types.h has its own text and keeps its number. The list is read
 * from the header, so that a status added without a text is found here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <synod/types.h>

#ifndef SYNOD_SOURCE_DIR
#define SYNOD_SOURCE_DIR "."
#endif

enum { STATUS_MAX = 128, STATUSES_NOW = 32 };

static FILE *open_source(const char *path) {
    const char *root = getenv("SYNOD_SOURCE");
    char name[4096];
    (void)snprintf(name, sizeof name, "%s/%s", root != NULL ? root : SYNOD_SOURCE_DIR, path);
    FILE *file = fopen(name, "r");
    if (file == NULL) {
        fail_msg("cannot read %s: start the test in the source folder or set SYNOD_SOURCE", name);
    }
    return file;
}

static void every_status_has_its_own_text(void **state) {
    (void)state;
    const char *const none = synod_status_text((synod_status)255);
    const char *texts[STATUS_MAX] = {NULL};
    size_t count = 0;
    FILE *file = open_source("include/synod/types.h");
    char line[256], name[64];
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned number;
        if (sscanf(line, " SYNOD_%63[A-Z_] = %u", name, &number) != 2) {
            continue;
        }
        assert_true(number < STATUS_MAX);
        assert_null(texts[number]); /* a number has one meaning */
        texts[number] = synod_status_text((synod_status)number);
        assert_non_null(texts[number]);
        if (strcmp(texts[number], none) == 0) {
            fail_msg("SYNOD_%s has no text in src/base/status.c", name);
        }
        assert_true(strlen(texts[number]) > 1 && strchr(texts[number], '\n') == NULL);
        count++;
    }
    (void)fclose(file);
    assert_true(count >= STATUSES_NOW);
    for (size_t i = 0; i < STATUS_MAX; i++) {
        for (size_t j = 0; texts[i] != NULL && j < i; j++) {
            assert_true(texts[j] == NULL || strcmp(texts[i], texts[j]) != 0);
        }
    }
}

static void unknown_numbers_have_a_text(void **state) {
    (void)state;
    static const unsigned unknown[] = {6, 15, 31, 47, 59, 255, 65536, 0x7fffffff};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_string_equal(synod_status_text((synod_status)unknown[i]), "status without a name");
    }
}

/* Numbers of released versions; they stay for ever. */
static void numbers_are_stable(void **state) {
    (void)state;
    assert_string_equal(synod_status_text((synod_status)0), "ok");
    assert_string_equal(synod_status_text((synod_status)3), "no answer in time, outcome unknown");
    assert_string_equal(synod_status_text((synod_status)16), "truncated");
    assert_string_equal(synod_status_text((synod_status)21), "bad signature");
    assert_string_equal(synod_status_text((synod_status)27), "no quorum");
    assert_string_equal(synod_status_text((synod_status)51), "durable data is damaged");
    assert_string_equal(synod_status_text((synod_status)58),
                        "two final facts contradict each other");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_own_text),
        cmocka_unit_test(unknown_numbers_have_a_text),
        cmocka_unit_test(numbers_are_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
