/* Log lines, and the buffers of links. */
#include "adapter_world.h"

#include <cjson/cJSON.h>

#include "adapter/buffer.h"
#include "adapter/log.h"

#define TIME_NS UINT64_C(1735689600123456789)

static char line[1024];

static const char *text(const char *pairs) {
    size_t size = log_format(line, sizeof line, false, TIME_NS, LOG_INFO, "net", "up", pairs);
    assert_int_equal(size, strlen(line));
    return line;
}

static const char *json(const char *pairs) {
    size_t size = log_format(line, sizeof line, true, TIME_NS, LOG_ERROR, "net", "up", pairs);
    assert_int_equal(size, strlen(line));
    cJSON *parsed = cJSON_Parse(line);
    assert_non_null(parsed);
    cJSON_Delete(parsed);
    return line;
}

static void test_text(void **state) {
    (void)state;
    assert_string_equal(text("member=3 why=\"a b\""),
                        "2025-01-01T00:00:00.123Z info net up member=3 why=\"a b\"");
    /* A line cannot be forged by what a peer says. */
    assert_string_equal(text("why=\"x\n2025 error\""),
                        "2025-01-01T00:00:00.123Z info net up why=\"x?2025 error\"");
}

#define HEAD                                                                                       \
    "{\"time\":\"2025-01-01T00:00:00.123Z\",\"level\":\"error\",\"module\":\"net\",\"event\":"     \
    "\"up\""

static void test_json(void **state) {
    (void)state;
    assert_string_equal(json(""), HEAD "}");
    assert_string_equal(json("member=3 why=\"a b\" flag x=y"),
                        HEAD ",\"member\":3,\"why\":\"a b\",\"flag\":true,\"x\":\"y\"}");
    assert_string_equal(json("a=007 b=-1 c=0 d=12345678901234567890 e="),
                        HEAD ",\"a\":\"007\",\"b\":\"-1\",\"c\":0,\"d\":\"12345678901234567890\","
                             "\"e\":\"\"}");
    assert_string_equal(json("a=\\ b=\"c\x01"), HEAD ",\"a\":\"\\\\\",\"b\":\"c?\"}");
    assert_string_equal(json("= =  =x"), HEAD ",\"x\":true}");
}

static void test_too_long(void **state) {
    (void)state;
    static char pairs[4000] = "a=\"";
    memset(pairs + 3, 'x', sizeof pairs - 4);
    (void)text(pairs);
    assert_int_equal(strlen(line), sizeof line - 1);
    assert_string_equal(json(pairs), HEAD ",\"cut\":\"too long\"}");
}

static uint32_t lines_of(const char *content) {
    uint32_t count = 0;
    for (; *content != '\0'; content++) {
        count += *content == '\n' ? 1 : 0;
    }
    return count;
}

static void test_file(void **state) {
    (void)state;
    log_t log;
    log_options_t options = {.path = world_path("log"), .level = LOG_INFO};
    assert_int_equal(log_open(&log, &options, &world_reason), SYNOD_OK);
    log_event(&log, LOG_WARNING, "m", "e", "n=%d", 7);
    log_event(&log, LOG_DETAIL, "m", "e", "n=%d", 8);
    log_event(NULL, LOG_ERROR, "m", "e", "n=%d", 9);
    log_close(&log);
    assert_non_null(strstr(world_get(options.path, NULL), "Z warning m e n=7\n"));
    assert_int_equal(lines_of(world_get(options.path, NULL)), 1);
    options.path = world_path("no/folder/log");
    assert_int_equal(log_open(&log, &options, &world_reason), SYNOD_NOT_FOUND);
}

/* What peers can cause at will is bounded, and counted; errors are always written. */
static void test_flood(void **state) {
    (void)state;
    log_t log;
    log_options_t options = {.path = world_path("flood"), .level = LOG_INFO};
    assert_int_equal(log_open(&log, &options, &world_reason), SYNOD_OK);
    for (uint32_t count = 0; count < 10000; count++) {
        log_line(&log, LOG_INFO, "m", "e", "x");
    }
    log_line(&log, LOG_ERROR, "m", "last", "x");
    assert_int_equal(log.suppressed, 0);
    log_close(&log);
    const char *content = world_get(options.path, NULL);
    assert_in_range(lines_of(content), 1000, 4000);
}

/* ---- buffers ---- */

static void test_buffer(void **state) {
    (void)state;
    budget_t budget = {.limit_bytes = 16384};
    buffer_t buffer = {.budget = &budget};
    uint8_t bytes[3000];
    for (size_t at = 0; at < sizeof bytes; at++) {
        bytes[at] = (uint8_t)(at * 7);
    }
    size_t in = 0, out = 0;
    for (uint32_t round = 0; round < 1000; round++) {
        size_t size = (round * 37) % 1500;
        assert_true(buffer_append(&buffer, bytes_of(bytes + in % 1500, size)));
        in += size;
        size = buffer_size(&buffer) / 2;
        for (size_t at = 0; at < size; at += 97) {
            assert_true(buffer.head + at < buffer.capacity);
        }
        buffer_consume(&buffer, size);
        out += size;
        assert_int_equal(buffer_size(&buffer), in - out);
    }
    assert_true(buffer.capacity <= 8192);
    assert_int_equal(budget.used_bytes, buffer.capacity);
    buffer_trim(&buffer);
    assert_true(buffer.capacity > 0);
    buffer_consume(&buffer, buffer_size(&buffer));
    buffer_trim(&buffer);
    assert_int_equal(buffer.capacity, 0);
    assert_int_equal(budget.used_bytes, 0);
}

static void test_budget(void **state) {
    (void)state;
    budget_t small = {.limit_bytes = 10000}, large = {.limit_bytes = SIZE_MAX};
    buffer_t a = {.budget = &small}, b = {.budget = &small};
    assert_non_null(buffer_reserve(&a, 4096));
    assert_non_null(buffer_reserve(&b, 1));
    assert_null(buffer_reserve(&b, 5000)); /* 4096 + 8192 are above */
    assert_int_equal(b.capacity, 4096);
    buffer_charge(&a, &large);
    assert_int_equal(small.used_bytes, 4096);
    assert_non_null(buffer_reserve(&b, 5000));
    assert_null(buffer_reserve(&b, 100000));
    assert_non_null(buffer_reserve(&a, 100000));
    buffer_free(&a);
    buffer_free(&b);
    assert_int_equal(small.used_bytes, 0);
    assert_int_equal(large.used_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),     cmocka_unit_test(test_json),
        cmocka_unit_test(test_too_long), cmocka_unit_test(test_file),
        cmocka_unit_test(test_flood),    cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, world_open, world_close);
}
