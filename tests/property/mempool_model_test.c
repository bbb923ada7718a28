/* The mempool against a plain list: random requests of all sizes come and go, oldest first, newest
 * first, or in between while an old one stays, so that the ring wraps and what stays is copied to
 * the front again and again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "replica/mempool.h"

#define RING_BYTES (16 * REQUEST_BYTES_MAX)
#define HELD_MAX 4096
#define STEPS 60000

/* One request that is held, in order of arrival; its bytes follow from its number. */
typedef struct held {
    uint64_t session, sequence;
    uint32_t size;
    uint8_t fill;
} held_t;

typedef struct model {
    mempool_t mempool;
    void *memory;
    uint8_t *bytes;
    prng_t chance;
    held_t held[HELD_MAX];
    uint32_t count;
    uint64_t live, next, busy, wrapped;
} model_t;

static uint32_t draw_size(model_t *m) {
    switch (prng_below(&m->chance, 8)) {
    case 0:
        return REQUEST_BYTES_MAX - (uint32_t)prng_below(&m->chance, 64);
    case 1:
    case 2:
        return 1 + (uint32_t)prng_below(&m->chance, REQUEST_BYTES_MAX / 16);
    default:
        return 1 + (uint32_t)prng_below(&m->chance, 2000);
    }
}

static void add(model_t *m) {
    held_t one = {.session = 1 + prng_below(&m->chance, 5),
                  .sequence = ++m->next,
                  .size = draw_size(m),
                  .fill = (uint8_t)(m->next * 7)};
    if (m->count == HELD_MAX)
        return;
    memset(m->bytes, one.fill, one.size);
    request_t request = {.session = one.session, .encoded = bytes_of(m->bytes, one.size)};
    digest_t digest = {{one.fill}};
    uint64_t before = m->mempool.tail;
    synod_status status =
        mempool_add(&m->mempool, &request, one.sequence, &digest, 1000 + one.sequence);
    m->wrapped += m->mempool.tail / RING_BYTES != before / RING_BYTES;
    if (status == SYNOD_BUSY) {
        /* Never while only an eighth is in use. */
        assert_true(m->live + one.size > RING_BYTES / 8);
        m->busy++;
        return;
    }
    assert_int_equal(status, SYNOD_OK);
    assert_int_equal(mempool_add(&m->mempool, &request, one.sequence, &digest, 0), SYNOD_DUPLICATE);
    m->held[m->count++] = one;
    m->live += one.size;
}

static void take_out(model_t *m, uint32_t at) {
    held_t one = m->held[at];
    mempool_remove(&m->mempool, one.session, one.sequence);
    assert_null(mempool_find(&m->mempool, one.session, one.sequence));
    memmove(&m->held[at], &m->held[at + 1], (m->count - at - 1) * sizeof one);
    m->count--;
    m->live -= one.size;
}

static void check(const model_t *m) {
    uint32_t at = 0;
    assert_int_equal(m->mempool.count, m->count);
    assert_int_equal(m->mempool.bytes, m->live);
    for (mempool_entry_t *entry = mempool_next(&m->mempool, NULL); entry != NULL;
         entry = mempool_next(&m->mempool, entry), at++) {
        assert_in_range(at, 0, m->count);
        const held_t *one = &m->held[at];
        bytes_t bytes = mempool_bytes(&m->mempool, entry);
        assert_true(entry->session == one->session && entry->sequence == one->sequence);
        assert_int_equal(entry->arrival_ns, 1000 + one->sequence);
        assert_int_equal(bytes.size, one->size);
        for (size_t i = 0; i < bytes.size; i += bytes.size / 8 + 1)
            assert_int_equal(bytes.data[i], one->fill);
        assert_int_equal(bytes.data[bytes.size - 1], one->fill);
    }
    assert_int_equal(at, m->count);
}

/* How it empties: 0 oldest first, 1 newest first, 2 anybody, 3 all but the oldest. */
static void play(uint64_t seed, unsigned habit) {
    model_t *m = calloc(1, sizeof *m);
    assert_non_null(m);
    m->memory = calloc(1, mempool_memory_bytes(RING_BYTES));
    m->bytes = malloc(REQUEST_BYTES_MAX);
    assert_true(m->memory != NULL && m->bytes != NULL);
    m->mempool = mempool_make(m->memory, RING_BYTES, seed);
    m->chance = prng_of(seed);
    for (uint32_t step = 0; step < STEPS / 4; step++) {
        uint32_t spared = habit == 3 ? 1 : 0;
        if (m->count <= spared || prng_below(&m->chance, 100) < 52) {
            add(m);
        } else {
            uint32_t range = m->count - spared;
            uint32_t at = habit == 0   ? 0
                          : habit == 1 ? m->count - 1
                                       : spared + (uint32_t)prng_below(&m->chance, range);
            take_out(m, at);
        }
        if (step % 64 == 0)
            check(m);
    }
    check(m);
    assert_true(m->wrapped > 2 && m->busy > 0);
    while (m->count > 0)
        take_out(m, m->count - 1);
    check(m);
    free(m->bytes);
    free(m->memory);
    free(m);
}

static void test_habits(void **state) {
    (void)state;
    for (unsigned habit = 0; habit < 4; habit++)
        play(100 + habit, habit);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_habits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
