/* Memory of `kv`: chunks that do not move, copies that do not overlap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "app/kv_memory.h"
#include "base/prng.h"

enum { COPIES = 3000, SOURCE_BYTES = 200000 };

static void test_chunks(void **state) {
    (void)state;
    kv_chunks_t chunks = kv_chunks_of(64);
    kv_chunks_reach(&chunks, 0);
    uint64_t *first = kv_chunks_at(&chunks, 0);
    assert_int_equal((uintptr_t)first % KV_CACHE_LINE_BYTES, 0);
    for (uint32_t i = 0; i < 20 * KV_CHUNK_ITEMS; i++) {
        kv_chunks_reach(&chunks, i);
        *(uint64_t *)kv_chunks_at(&chunks, i) = i;
    }
    assert_ptr_equal(kv_chunks_at(&chunks, 0), first);
    for (uint32_t i = 0; i < 20 * KV_CHUNK_ITEMS; i++) {
        assert_int_equal(*(uint64_t *)kv_chunks_at(&chunks, i), i);
    }
    kv_chunks_free(&chunks);
    kv_chunks_free(&chunks);
}

/* All copies are whole at the end, so none was written over another; and twice, because dropping
 * keeps a block. */
static void test_copies(void **state) {
    (void)state;
    static uint8_t source[SOURCE_BYTES];
    static struct {
        const uint8_t *at;
        size_t from, size;
    } copies[COPIES];
    prng_t prng = prng_of(8);
    for (size_t i = 0; i < sizeof source; i++) {
        source[i] = (uint8_t)prng_next(&prng);
    }
    kv_copies_t pool = {0};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < COPIES; i++) {
            size_t bound = prng_chance(&prng, 10000) ? SOURCE_BYTES / 2 : 3000;
            copies[i].size = prng_below(&prng, bound);
            copies[i].from = prng_below(&prng, SOURCE_BYTES / 2);
            bytes_t bytes = bytes_of(source + copies[i].from, copies[i].size);
            copies[i].at = kv_copies_add(&pool, bytes);
            kv_copies_adopt(&pool, kv_allocate(32));
        }
        for (size_t i = 0; i < COPIES; i++) {
            assert_memory_equal(copies[i].at, source + copies[i].from, copies[i].size);
        }
        kv_copies_drop(&pool);
    }
    kv_copies_free(&pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks),
        cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
