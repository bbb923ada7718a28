/* Roots: what they cover (attack P18), that asking changes nothing, and their bytes as
 * docs/formats/sessions.md gives them, built here a second time by hand. */
#include <stdio.h>

#include "tests/unit/ledger_world.h"

static world_t world_with_session(world_block_t **block) {
    world_t world = world_make(world_small);
    *block = world_block();
    world_open_request(*block, world_key(1), 0);
    world_run(&world, *block, 1);
    (*block)->count = 0;
    (*block)->used = 0;
    return world;
}

/* Root of a ledger that executed one block of one request after the open. */
static digest_t root_after(uint64_t sequence, uint64_t acknowledged, const char *operation) {
    world_block_t *block;
    world_t world = world_with_session(&block);
    world_request(block, 1, sequence, acknowledged, operation);
    world_run(&world, block, 2);
    digest_t root = world_root(&world);
    free(block);
    world_free(&world);
    return root;
}

/* attack P18: the application is in the same state after each of these ('n' does nothing), the
 * sessions are not; a replica that took over the state under a root must know what ran. */
static void sessions_are_covered(void **unused) {
    (void)unused;
    digest_t base = root_after(1, 0, "na");
    digest_t same = root_after(1, 0, "na");
    assert_true(digest_equal(&base, &same));
    digest_t other_sequence = root_after(2, 0, "na");
    digest_t other_reply = root_after(1, 0, "nb");
    digest_t other_low = root_after(2, 1, "na");
    assert_false(digest_equal(&base, &other_sequence));
    assert_false(digest_equal(&base, &other_reply));
    assert_false(digest_equal(&other_sequence, &other_low));
}

static void parts_are_covered(void **unused) {
    (void)unused;
    world_t world = world_make(world_small);
    digest_t committee = {{3}}, other = {{4}}, application, root;
    digest_t base = ledger_root(world.ledger, &committee, bytes_of("order", 5), &application);
    root = ledger_root(world.ledger, &other, bytes_of("order", 5), NULL);
    assert_false(digest_equal(&base, &root));
    root = ledger_root(world.ledger, &committee, bytes_of("orde", 4), NULL);
    assert_false(digest_equal(&base, &root));
    root = ledger_root(world.ledger, &committee, bytes_of("order", 5), NULL);
    assert_true(digest_equal(&base, &root));
    digest_t expected;
    fold_root(&(fold_t){0}, &expected);
    assert_true(digest_equal(&application, &expected));
    /* An empty block moves height and time. */
    block_t header = {.height = 1};
    ledger_execute(world.ledger, &header, NULL, 0, NULL, NULL);
    root = ledger_root(world.ledger, &committee, bytes_of("order", 5), NULL);
    assert_false(digest_equal(&base, &root));
    world_free(&world);
}

/* An application that gives its root in pieces, and one that does not: the same root, of the state
 * when it was asked for. */
static void in_pieces(void **unused) {
    (void)unused;
    const digest_t committee = {{3}};
    for (uint32_t slow = 0; slow < 2; slow++) {
        world_block_t *block;
        fold_pieces = slow == 1 ? 3 : 0;
        world_t world = world_with_session(&block);
        world_request(block, 1, 1, 0, "na");
        world_run(&world, block, 2);
        digest_t application, root, whole, whole_application;
        whole = ledger_root(world.ledger, &committee, bytes_of("order", 5), &whole_application);
        ledger_root_begin(world.ledger, &committee, bytes_of("order", 5));
        block->count = 0;
        block->used = 0;
        world_request(block, 1, 2, 0, "b");
        world_run(&world, block, 3);
        uint32_t turns = 1;
        for (; !ledger_root_next(world.ledger, &root, &application); turns++) {
        }
        assert_int_equal(turns, slow == 1 ? 3 : 1);
        assert_true(digest_equal(&root, &whole));
        assert_true(digest_equal(&application, &whole_application));
        whole = ledger_root(world.ledger, &committee, bytes_of("order", 5), NULL);
        assert_false(digest_equal(&root, &whole));
        free(block);
        world_free(&world);
    }
    fold_pieces = 0;
}

/* Checkpoints at other heights, the same state: what is cached must not show. */
static void asking_changes_nothing(void **unused) {
    (void)unused;
    world_block_t *block;
    world_t often = world_with_session(&block), seldom;
    free(block);
    seldom = world_with_session(&block);
    for (uint64_t sequence = 1; sequence <= 30; sequence++) {
        block->count = 0;
        block->used = 0;
        world_sized(block, 1, sequence, sequence < 4 ? 0 : sequence - 4, 'b',
                    (uint32_t)(sequence * 7 % 40));
        if (sequence % 10 == 0) {
            world_open_request(block, world_key((uint8_t)sequence), 0);
        }
        world_run(&often, block, sequence * 600);
        world_run(&seldom, block, sequence * 600);
        world_root(&often);
    }
    digest_t a = world_root(&often), b = world_root(&seldom), c = world_root(&seldom);
    assert_true(digest_equal(&a, &b));
    assert_true(digest_equal(&b, &c));
    free(block);
    world_free(&often);
    world_free(&seldom);
}

/* The example of the page: two sessions, one result that is gone, two that are kept. */
static world_t example(world_block_t **block) {
    world_t world = world_with_session(block);
    world_open_request(*block, world_key(2), 9);
    world_sized(*block, 1, 3, 0, 'b', 90);
    world_sized(*block, 1, 2, 0, 'b', 10);
    world_request(*block, 1, 4, 1, "f");
    world_run(&world, *block, 77);
    return world;
}

static void write_head(writer_t *writer, uint64_t number, uint64_t nonce) {
    key_public_t key = world_key((uint8_t)number);
    write_u64(writer, number);
    write_u64(writer, nonce);
    write_bytes(writer, key.bytes, sizeof key.bytes);
}

static digest_t leaf_of_the_first(const world_block_t *block) {
    uint8_t space[512];
    writer_t writer = writer_of(space, sizeof space);
    write_head(&writer, 1, 0);
    write_u64(&writer, 1);  /* opened at height */
    write_u64(&writer, 1);  /* low */
    write_u64(&writer, 5);  /* position of the last request */
    write_u64(&writer, 77); /* its time */
    write_u32(&writer, 1);  /* ran, result gone */
    write_u32(&writer, 2);  /* ran, result kept */
    write_u64(&writer, 3);
    write_u64(&writer, 2);
    for (uint32_t i = 2; i <= 3; i++) { /* in the order in which they ran */
        digest_t digest = hash_bytes(block->replies[i].result);
        write_u64(&writer, i == 2 ? 2 : 4);
        write_u64(&writer, 2);
        write_u8(&writer, i == 2 ? 0 : 5);
        write_u32(&writer, i == 2 ? 15 : 12);
        write_bytes(&writer, digest.bytes, sizeof digest.bytes);
    }
    assert_false(writer.failed);
    return hash_leaf(writer_bytes(&writer));
}

static digest_t leaf_of_the_second(void) {
    uint8_t space[512];
    writer_t writer = writer_of(space, sizeof space);
    write_head(&writer, 2, 9);
    write_u64(&writer, 2);  /* opened at height */
    write_u64(&writer, 0);  /* low */
    write_u64(&writer, 2);  /* position of the last request: the open */
    write_u64(&writer, 77); /* its time */
    write_u32(&writer, 0);
    write_u32(&writer, 0);
    assert_false(writer.failed);
    return hash_leaf(writer_bytes(&writer));
}

static digest_t session_root(const digest_t *merkle) {
    uint8_t space[512];
    writer_t writer = writer_of(space, sizeof space);
    write_bytes(&writer, "synod.sessions.1", 16);
    write_u64(&writer, 2);  /* height */
    write_u64(&writer, 77); /* time */
    write_u64(&writer, 3);  /* next number */
    write_u64(&writer, 5);  /* requests ordered */
    write_u64(&writer, 3);  /* requests executed */
    write_u64(&writer, 3);  /* operations executed */
    write_u32(&writer, 2);  /* sessions */
    write_bytes(&writer, merkle->bytes, sizeof merkle->bytes);
    assert_false(writer.failed);
    return hash_bytes(writer_bytes(&writer));
}

static void assert_hex(const char *expected, digest_t actual) {
    char text[2 * sizeof actual.bytes + 1];
    for (size_t i = 0; i < sizeof actual.bytes; i++) {
        snprintf(text + 2 * i, 3, "%02x", actual.bytes[i]);
    }
    assert_string_equal(text, expected);
}

static void bytes_of_the_root(void **unused) {
    (void)unused;
    world_block_t *block;
    world_t world = example(&block);
    digest_t first = leaf_of_the_first(block), second = leaf_of_the_second();
    digest_t merkle = hash_node(&first, &second);
    digest_t sessions = session_root(&merkle), order = hash_bytes(bytes_of("order", 5));
    digest_t committee = {{3}}, application;
    digest_t root = ledger_root(world.ledger, &committee, bytes_of("order", 5), &application);
    uint8_t space[512];
    writer_t writer = writer_of(space, sizeof space);
    write_bytes(&writer, "synod.state.v1\0\0", 16);
    write_bytes(&writer, application.bytes, sizeof application.bytes);
    write_bytes(&writer, sessions.bytes, sizeof sessions.bytes);
    write_bytes(&writer, committee.bytes, sizeof committee.bytes);
    write_bytes(&writer, order.bytes, sizeof order.bytes);
    digest_t expected = hash_bytes(writer_bytes(&writer));
    assert_memory_equal(&root, &expected, sizeof root);
    assert_hex("0fb4baa0873c2efaca624f2a018432d635d933547ebd2ee3735afe5b3b1c6940", first);
    assert_hex("00a76f88b0b1168141206aedf6dd4af85111ba39a6da92ad2328bc6399f8618f", second);
    assert_hex("79faedcaa53ded53acf87cb8fda78e24ffe03c8702a85c31a282365208f53642", sessions);
    assert_hex("88c12e69bcf09dc2d684f8721c8662bab83a251fc1fc27b9dd5e798f647fc7e2", application);
    assert_hex("ccadcdf06d5b127de9b7400572bad29c3e6442b244a208b16bcab3c0f49afbe2", root);
    world_stream_t stream = world_save(&world);
    assert_int_equal(stream.size, 329 + 32); /* and 32 of the application */
    assert_hex("f6efaab8c617ec642abecca791ecabdaa740060f6623e07c8c4fc02cbae5eadb",
               hash_bytes(bytes_of(stream.data, 329)));
    free(stream.data);
    free(block);
    world_free(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_are_covered),
        cmocka_unit_test(parts_are_covered),
        cmocka_unit_test(in_pieces),
        cmocka_unit_test(asking_changes_nothing),
        cmocka_unit_test(bytes_of_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
