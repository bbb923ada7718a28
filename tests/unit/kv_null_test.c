/* The application `null` and the list of built-in applications. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <synod/app.h>

#include "base/bytes.h"

static void test_find(void **state) {
    (void)state;
    assert_ptr_equal(synod_app_find("kv"), synod_app_kv());
    assert_ptr_equal(synod_app_find("null"), synod_app_null());
    assert_null(synod_app_find("nul"));
    assert_null(synod_app_find(""));
    assert_null(synod_app_find(NULL));
    assert_int_equal(synod_app_kv()->size_bytes, sizeof(synod_app));
    assert_int_equal(synod_app_null()->size_bytes, sizeof(synod_app));
}

static bool refuse(void *context, synod_bytes bytes) {
    (void)context;
    (void)bytes;
    fail_msg("null wrote something");
    return false;
}

static void test_null(void **state) {
    (void)state;
    const synod_app *app = synod_app_null();
    const synod_block_info block = {.height = 1};
    synod_writer writer = {refuse, NULL, 0};
    void *memory = NULL;
    assert_int_equal(app->open(&memory), SYNOD_OK);
    assert_non_null(memory);
    synod_digest before, after;
    app->root(memory, &before);
    assert_false(digest_is_zero(&before));
    for (int i = 0; i < 10; i++) {
        assert_int_equal(app->execute(memory, &block, bytes_of("anything", 8), &writer), SYNOD_OK);
    }
    app->root(memory, &after);
    assert_true(digest_equal(&before, &after));
    bool more = true;
    app->snapshot_begin(memory);
    assert_int_equal(app->snapshot_next(memory, &writer, &more), SYNOD_OK);
    assert_false(more);
    app->snapshot_end(memory);
    assert_int_equal(app->snapshot_load(memory, bytes_of(NULL, 0)), SYNOD_OK);
    assert_int_equal(app->snapshot_load(memory, bytes_of("x", 1)), SYNOD_MALFORMED);
    app->close(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
