/* A broken promise stops the process with one line that says which, where. Each case runs in a
 * child process; the contracts of the modules of base and crypto are tried the same way. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* fork, pipe */
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/check.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/prng.h"
#include "base/ring.h"
#include "crypto/hash.h"

enum { TEXT_BYTES = 2048 };

/* Runs `act` in a child; the status that wait gives, and what it wrote to standard error. */
static int run_in_child(void (*act)(void), char text[TEXT_BYTES]) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        (void)signal(SIGABRT, SIG_DFL);
        act();
        _exit(0);
    }
    (void)close(ends[1]);
    size_t size = 0;
    ssize_t got;
    while ((got = read(ends[0], text + size, TEXT_BYTES - 1 - size)) > 0) {
        size += (size_t)got;
    }
    text[size] = '\0';
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void expect_abort(void (*act)(void), const char *kind, const char *condition) {
    char text[TEXT_BYTES];
    int status = run_in_child(act, text);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) {
        fail_msg("expected %s(%s) to abort, status %d, it wrote: %s", kind, condition, status,
                 text);
    }
    char start[256];
    (void)snprintf(start, sizeof start, "synod: %s failed: %s (", kind, condition);
    if (strncmp(text, start, strlen(start)) != 0) {
        fail_msg("expected \"%s...\", got \"%s\"", start, text);
    }
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
}

static int two = 2;

static void broken_require(void) {
    require(two == 3);
}
static void broken_ensure(void) {
    ensure(two == 3);
}
static void broken_invariant(void) {
    invariant(two == 3);
}
static void kept(void) {
    require(two == 2);
    ensure(two == 2);
    invariant(two == 2);
}
static void broken_with_long_text(void) {
    char condition[1000];
    memset(condition, 'x', sizeof condition);
    condition[sizeof condition - 1] = '\0';
    check_failed("require", condition, "file.c", 1, "function");
}

static void broken_promises_stop_the_process(void **state) {
    (void)state;
    expect_abort(broken_require, "require", "two == 3");
    expect_abort(broken_ensure, "ensure", "two == 3");
    expect_abort(broken_invariant, "invariant", "two == 3");
}

static void kept_promises_do_nothing(void **state) {
    (void)state;
    char text[TEXT_BYTES];
    assert_int_equal(run_in_child(kept, text), 0);
    assert_string_equal(text, "");
}

static void line_says_where(void **state) {
    (void)state;
    char text[TEXT_BYTES];
    (void)run_in_child(broken_require, text);
    assert_non_null(strstr(text, "base_check_test.c:"));
    assert_non_null(strstr(text, "broken_require"));
}

static void long_line_is_cut_and_stays_one_line(void **state) {
    (void)state;
    char text[TEXT_BYTES];
    (void)run_in_child(broken_with_long_text, text);
    assert_true(strlen(text) > 256 && strlen(text) < 1000);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static void below_zero_numbers(void) {
    prng_t prng = prng_of(1);
    (void)prng_below(&prng, 0);
}
static void between_reversed(void) {
    prng_t prng = prng_of(1);
    (void)prng_between(&prng, 2, 1);
}
static void chance_above_one(void) {
    prng_t prng = prng_of(1);
    (void)prng_chance(&prng, 1000001);
}
static void pop_of_empty_heap(void) {
    heap_item_t items[1];
    heap_t heap = heap_of(items, 1);
    (void)heap_pop(&heap);
}
static void top_of_empty_heap(void) {
    heap_item_t items[1];
    heap_t heap = heap_of(items, 1);
    (void)heap_top(&heap);
}
static void pop_of_empty_ring(void) {
    uint8_t items[2];
    ring_t ring = ring_of(items, 1, 2);
    ring_pop(&ring);
}
static void ring_beyond_count(void) {
    uint8_t items[2] = {0};
    ring_t ring = ring_of(items, 1, 2);
    (void)ring_push(&ring, items);
    (void)ring_at(&ring, 1);
}
static void map_value_none(void) {
    _Alignas(map_cell_t) uint8_t memory[64];
    map_t map = map_of(memory, 1);
    (void)map_put(&map, 1, MAP_NONE);
}
static void map_too_large(void) {
    (void)map_bytes((1U << 30) + 1);
}
static void range_without_memory(void) {
    (void)reader_of(bytes_of(NULL, 1));
}
static void second_stream(void) {
    (void)hash_begin();
    (void)hash_begin();
}
static void stream_after_end(void) {
    hash_stream_t stream = hash_begin();
    (void)hash_end(&stream);
    hash_add(&stream, bytes_of("x", 1));
}

static void modules_refuse_broken_contracts(void **state) {
    (void)state;
    expect_abort(below_zero_numbers, "require", "bound > 0");
    expect_abort(between_reversed, "require", "low <= high");
    expect_abort(chance_above_one, "require", "per_million <= MILLION");
    expect_abort(pop_of_empty_heap, "require", "heap->count > 0");
    expect_abort(top_of_empty_heap, "require", "heap->count > 0");
    expect_abort(pop_of_empty_ring, "require", "ring->count > 0");
    expect_abort(ring_beyond_count, "require", "index < ring->count");
    expect_abort(map_value_none, "require", "value != MAP_NONE");
    expect_abort(map_too_large, "require", "capacity <= MAP_CAPACITY_MAX");
    expect_abort(range_without_memory, "require", "bytes.data != NULL || bytes.size == 0");
    expect_abort(second_stream, "require", "!hasher->streaming");
    expect_abort(stream_after_end, "require", "stream->context == &own && own.streaming");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_promises_stop_the_process),
        cmocka_unit_test(kept_promises_do_nothing),
        cmocka_unit_test(line_says_where),
        cmocka_unit_test(long_line_is_cut_and_stays_one_line),
        cmocka_unit_test(modules_refuse_broken_contracts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
