/* Heads of HTTP requests: what is taken, what is refused and how, and that a head that is not whole
 * is waited for, wherever it is cut (attacks N1, N4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapter/http_head.h"

#define BODY_MAX 1000

static http_head_t head;

static unsigned parse(const char *text) {
    return http_head_parse(bytes_of(text, strlen(text)), BODY_MAX, &head);
}

static bool is(bytes_t bytes, const char *text) {
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

static void test_taken(void **state) {
    (void)state;
    assert_int_equal(parse("GET /a/b?c=d&e HTTP/1.1\r\nHost: x\r\n\r\nmore"), 200);
    assert_int_equal(head.method, HTTP_GET);
    assert_true(is(head.path, "/a/b") && is(head.query, "c=d&e"));
    assert_true(head.keep_alive && !head.expects && !head.of_a_page);
    assert_int_equal(head.head_size, 36);
    assert_int_equal(parse("POST /s HTTP/1.1\r\nhOsT:x\r\nCONTENT-LENGTH:  12 \r\n"
                           "Expect: 100-Continue\r\nOrigin: null\r\n\r\n"),
                     200);
    assert_int_equal(head.method, HTTP_POST);
    assert_int_equal(head.content_length, 12);
    assert_true(head.expects && head.of_a_page);
    assert_int_equal(parse("HEAD / HTTP/1.0\r\n\r\n"), 200);
    assert_int_equal(head.method, HTTP_HEAD);
    assert_false(head.keep_alive);
    assert_int_equal(parse("GET / HTTP/1.1\r\nHost:\r\nConnection: te, Close\r\n\r\n"), 200);
    assert_false(head.keep_alive);
    assert_int_equal(parse("GET http://h:1/p?q HTTP/1.1\r\nHost: h:1\r\n\r\n"), 200);
    assert_true(is(head.path, "/p") && is(head.query, "q"));
    assert_int_equal(parse("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
    assert_int_equal(head.method, HTTP_OTHER);
}

static void test_refused(void **state) {
    (void)state;
    const struct {
        const char *text;
        unsigned status;
    } cases[] = {
        {"\r\n\r\n", 400},
        {"GET /\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET / http/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
        {"GET / HTTP/1.1\r\n\r\n", 400}, /* no Host */
        {"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
        {"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},      /* a way to smuggle headers */
        {"GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n", 400}, /* a folded line */
        {"GET / HTTP/1.1\r\nHost: x\nA: y\r\n\r\n", 400}, /* a bare line feed */
        {"GET / HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 413},
        {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n", 417},
    };
    for (size_t at = 0; at < sizeof cases / sizeof cases[0]; at++) {
        unsigned status = parse(cases[at].text);
        if (status != cases[at].status) {
            fail_msg("%s: %u, not %u", cases[at].text, status, cases[at].status);
        }
    }
}

static void test_cut_anywhere(void **state) {
    (void)state;
    static const char text[] = "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n";
    for (size_t size = 0; size + 1 < sizeof text; size++) {
        assert_int_equal(http_head_parse(bytes_of(text, size), BODY_MAX, &head), 0);
    }
    assert_int_equal(parse(text), 200);
}

static void test_bounds(void **state) {
    (void)state;
    static char text[2 * HTTP_HEAD_MAX];
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    assert_int_equal(http_head_parse(bytes_of(text, HTTP_HEAD_MAX - 1), 0, &head), 0);
    assert_int_equal(http_head_parse(bytes_of(text, HTTP_HEAD_MAX), 0, &head), 431);
    static const char rest[] = " HTTP/1.1\r\nHost: x\r\n\r\n";
    memcpy(text + 4 + HTTP_TARGET_MAX, rest, sizeof rest);
    assert_int_equal(parse(text), 200);
    memmove(text + 5, text + 4, strlen(text + 4) + 1);
    text[4] = '/';
    assert_int_equal(parse(text), 414);
    size_t at = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: x\r\n");
    for (uint32_t count = 1; count <= HTTP_HEADERS_MAX; count++) {
        (void)sprintf(text + at, "\r\n");
        assert_int_equal(parse(text), 200);
        at += (size_t)sprintf(text + at, "A: b\r\n");
    }
    (void)sprintf(text + at, "\r\n");
    assert_int_equal(parse(text), 431);
}

static void test_query(void **state) {
    (void)state;
    static const char text[] = "a=1&key=x+y%2fz%00&b&bad=%4&bad2=%zz&twice=1&twice=2&long=12345";
    const bytes_t query = bytes_of(text, sizeof text - 1);
    uint8_t value[6];
    size_t size = 0;
    assert_true(http_query_value(query, "key", value, sizeof value, &size));
    assert_int_equal(size, 6);
    assert_memory_equal(value, "x y/z", 6);
    assert_true(http_query_value(query, "b", value, sizeof value, &size));
    assert_int_equal(size, 0);
    assert_false(http_query_value(query, "ke", value, sizeof value, &size));
    assert_false(http_query_value(query, "bad", value, sizeof value, &size));
    assert_false(http_query_value(query, "bad2", value, sizeof value, &size));
    assert_false(http_query_value(query, "twice", value, sizeof value, &size));
    assert_true(http_query_value(query, "long", value, 5, &size));
    assert_false(http_query_value(query, "long", value, 4, &size));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut_anywhere), cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_query),
    };
    return cmocka_run_group_tests_name("adapter.http", tests, NULL, NULL);
}
