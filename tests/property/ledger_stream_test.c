/* Hostile streams (attack P24): random states, their streams damaged in many places at once, loaded
 * in random pieces. Either a status and a ledger as after open, or a state of which these bytes are
 * the one encoding: saving gives them back, and the ledger goes on with it like with any other. */
#include "tests/unit/ledger_world.h"

#define STATES 60
#define DAMAGES 400

static void random_blocks(prng_t *prng, world_t *world, world_block_t *block, uint32_t blocks) {
    for (uint32_t i = 0; i < blocks; i++) {
        block->count = 0;
        block->used = 0;
        for (uint32_t k = 0; k < 8; k++) {
            uint64_t session = 1 + prng_below(prng, 6);
            uint64_t sequence = 1 + prng_below(prng, 16);
            uint64_t acknowledged = prng_chance(prng, 500000) ? 0 : sequence / 2;
            world_sized(block, session, sequence, acknowledged, 'b',
                        (uint32_t)prng_below(prng, 40));
            world_open_request(block, world_key((uint8_t)prng_below(prng, 5)), 0);
        }
        world_run(world, block, ledger_time_ns(world->ledger) + prng_below(prng, 900));
    }
}

/* One change: a bit, a number at an extreme, a range taken out or doubled. Returns the new size. */
static size_t damage(prng_t *prng, uint8_t *bytes, size_t size) {
    static const uint64_t extremes[] = {0, 1, 8, 100, UINT32_MAX, UINT64_MAX, UINT64_MAX - 1};
    size_t at = (size_t)prng_below(prng, size - 8);
    size_t length = (size_t)prng_below(prng, 40);
    size_t left = size - at;
    switch (prng_below(prng, 5)) {
    case 0:
    case 1:
        bytes[at] ^= (uint8_t)(1u << prng_below(prng, 8));
        return size;
    case 2:
        store_u64(bytes + at, extremes[prng_below(prng, sizeof extremes / sizeof extremes[0])]);
        return size;
    case 3:
        length = length < left ? length : left;
        memmove(bytes + at, bytes + at + length, left - length);
        return size - length;
    default:
        memmove(bytes + at + length, bytes + at, left);
        return size + length;
    }
}

static synod_status load_randomly(prng_t *prng, world_t *world, bytes_t stream) {
    for (size_t at = 0; at < stream.size;) {
        size_t size = (size_t)prng_between(prng, 1, 90);
        size = stream.size - at < size ? stream.size - at : size;
        synod_status status = ledger_load(world->ledger, bytes_of(stream.data + at, size));
        if (status != SYNOD_OK) {
            return status;
        }
        at += size;
    }
    return ledger_load(world->ledger, (bytes_t){0});
}

/* Returns whether the damaged stream was a state. */
static bool one_damage(prng_t *prng, const world_stream_t *stream, const digest_t *root,
                       const digest_t *fresh, world_block_t *block) {
    uint8_t *bytes = malloc(stream->size + 8 * 40);
    assert_non_null(bytes);
    memcpy(bytes, stream->data, stream->size);
    size_t size = stream->size;
    for (uint64_t changes = prng_between(prng, 1, 8); changes > 0 && size > 16; changes--) {
        size = damage(prng, bytes, size);
    }
    bool changed = !bytes_equal(bytes_of(bytes, size), bytes_of(stream->data, stream->size));
    world_t to = world_make(world_small);
    random_blocks(prng, &to, block, 1);
    synod_status status = load_randomly(prng, &to, bytes_of(bytes, size));
    digest_t loaded = world_root(&to);
    if (status != SYNOD_OK) {
        assert_true(status >= SYNOD_TRUNCATED && status <= SYNOD_UNWANTED);
        assert_true(digest_equal(&loaded, fresh));
    } else {
        assert_int_equal(digest_equal(&loaded, root), !changed);
        world_stream_t again = world_save(&to);
        assert_true(bytes_equal(bytes_of(bytes, size), bytes_of(again.data, again.size)));
        free(again.data);
    }
    /* Heights near 2^64 are refused by nobody but by the root; there is no block after the last. */
    if (ledger_height(to.ledger) < UINT64_MAX - 2) {
        random_blocks(prng, &to, block, 2);
        world_root(&to);
    }
    free(bytes);
    world_free(&to);
    return status == SYNOD_OK;
}

static void hostile_streams(void **unused) {
    (void)unused;
    prng_t prng = prng_of(18);
    world_block_t *block = world_block();
    world_t empty = world_make(world_small);
    digest_t fresh = world_root(&empty);
    world_free(&empty);
    uint32_t accepted = 0;
    for (uint32_t state = 0; state < STATES; state++) {
        world_t from = world_make(world_small);
        random_blocks(&prng, &from, block, (uint32_t)prng_between(&prng, 1, 12));
        world_stream_t stream = world_save(&from);
        digest_t root = world_root(&from);
        for (uint32_t i = 0; i < DAMAGES; i++) {
            accepted += one_damage(&prng, &stream, &root, &fresh, block);
        }
        free(stream.data);
        world_free(&from);
    }
    print_message("%u streams, %u of them states\n", STATES * DAMAGES, accepted);
    assert_true(accepted > STATES && accepted < STATES * DAMAGES / 2);
    free(block);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hostile_streams)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
