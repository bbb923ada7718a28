/* The block store: which block goes when all slots are taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "replica/blocks.h"

typedef union block_room {
    block_t block;
    uint8_t bytes[sizeof(block_t) + sizeof(digest_t)];
} block_room_t;

static digest_t put(blocks_t *blocks, height_t height, view_t view, const digest_t *parent) {
    block_room_t room = {0};
    room.block.epoch = 1;
    room.block.height = height;
    room.block.birth_view = view;
    room.block.parent_count = 1;
    room.block.parents[0] = *parent;
    digest_t id = block_id(&room.block);
    assert_non_null(blocks_put(blocks, &id, &room.block, (bytes_t){0}));
    return id;
}

/* HS 14, HS 19, attack H13: an uncertain chain of eight, and ten times as many proposals as there
 * are slots that stand on its end and never got a quorum. All of the chain is still held, and the
 * last proposals are, but not the first ones. */
static void test_what_others_stand_on_stays(void **state) {
    (void)state;
    void *memory = aligned_alloc(64, (blocks_memory_bytes(0, 0) + 63) / 64 * 64);
    assert_non_null(memory);
    memset(memory, 0, blocks_memory_bytes(0, 0));
    blocks_t blocks = blocks_make(memory, 0, 0);
    digest_t chain[8], at = {{1}};
    for (uint32_t i = 0; i < 8; i++)
        chain[i] = at = put(&blocks, i + 1, 2 * i + 1, &at);
    digest_t first = put(&blocks, 9, 20, &at), last = first;
    for (uint32_t i = 1; i < 10 * BLOCKS_SLOTS; i++)
        last = put(&blocks, 9, 20 + i, &at);
    for (uint32_t i = 0; i < 8; i++)
        assert_non_null(blocks_find(&blocks, &chain[i]));
    assert_null(blocks_find(&blocks, &first));
    assert_non_null(blocks_find(&blocks, &last));
    free(memory);
}

/* When each block stands on the one before, the last one is not the one that goes. */
static void test_a_chain_longer_than_the_store(void **state) {
    (void)state;
    void *memory = aligned_alloc(64, (blocks_memory_bytes(0, 0) + 63) / 64 * 64);
    assert_non_null(memory);
    memset(memory, 0, blocks_memory_bytes(0, 0));
    blocks_t blocks = blocks_make(memory, 0, 0);
    digest_t at = {{1}}, first = {{0}};
    for (uint32_t i = 0; i < 2 * BLOCKS_SLOTS; i++) {
        at = put(&blocks, i + 1, i + 1, &at);
        first = i == 0 ? at : first;
    }
    assert_non_null(blocks_find(&blocks, &at));
    assert_null(blocks_find(&blocks, &first));
    free(memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_others_stand_on_stays),
        cmocka_unit_test(test_a_chain_longer_than_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
