/* Snapshots of `kv`: the same state gives the same bytes, pieces may be cut anywhere, and bytes of
 * a stranger end in a verdict and an empty state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "app/kv_client.h"
#include "app/kv_state.h"
#include "base/prng.h"
#include "crypto/hash.h"

enum { STREAM_BYTES_MAX = 1 << 22, HEADER_BYTES = 16 };

typedef struct sink {
    uint8_t *bytes;
    size_t size, limit;
} sink_t;

static const synod_app *app;
static void *kv;
static uint8_t stream_bytes[STREAM_BYTES_MAX];

static bool collect(void *context, synod_bytes bytes) {
    sink_t *to = context;
    if (bytes.size > to->limit - to->size) {
        return false;
    }
    memcpy(to->bytes + to->size, bytes.data, bytes.size);
    to->size += bytes.size;
    return true;
}

static bool ignore(void *context, synod_bytes bytes) {
    (void)context;
    (void)bytes;
    return true;
}

static int open_kv(void **memory) {
    (void)memory;
    app = synod_app_kv();
    return app->open(&kv) == SYNOD_OK ? 0 : -1;
}

static int close_kv(void **memory) {
    (void)memory;
    app->close(kv);
    return 0;
}

static void set(void *to, bytes_t key, bytes_t value) {
    static uint8_t buffer[KV_OPERATION_BYTES_MAX];
    const synod_block_info block = {.height = 1};
    synod_writer reply = {ignore, NULL, KV_REPLY_BYTES_MAX};
    writer_t writer = writer_of(buffer, sizeof buffer);
    kv_encode_set(&writer, key, value);
    assert_int_equal(app->execute(to, &block, writer_bytes(&writer), &reply), SYNOD_OK);
}

static void fill(int count) {
    prng_t prng = prng_of(5);
    for (int i = 0; i < count; i++) {
        char key[32];
        uint8_t value[300];
        size_t size = (size_t)i % sizeof value;
        for (size_t at = 0; at < size; at++) {
            value[at] = (uint8_t)prng_next(&prng);
        }
        (void)snprintf(key, sizeof key, "key %d", i);
        set(kv, bytes_of(key, strlen(key)), bytes_of(value, size));
    }
}

static bytes_t save(void *from, uint8_t *to) {
    sink_t sink = {to, 0, STREAM_BYTES_MAX};
    synod_writer writer = {collect, &sink, STREAM_BYTES_MAX};
    bool more = true;
    app->snapshot_begin(from);
    assert_int_equal(app->snapshot_next(from, &writer, &more), SYNOD_OK);
    assert_false(more);
    app->snapshot_end(from);
    return bytes_of(to, sink.size);
}

/* Feeds pieces of `piece_bytes`; the first verdict that is not SYNOD_OK, or that of the end. */
static synod_status load(void *to, bytes_t stream, size_t piece_bytes) {
    for (size_t at = 0; at < stream.size;) {
        size_t size = stream.size - at < piece_bytes ? stream.size - at : piece_bytes;
        synod_status status = app->snapshot_load(to, bytes_of(stream.data + at, size));
        if (status != SYNOD_OK) {
            return status;
        }
        at += size;
    }
    return app->snapshot_load(to, bytes_of(NULL, 0));
}

static synod_digest root_of(void *of) {
    synod_digest root;
    app->root(of, &root);
    return root;
}

/* As after open: the root of nothing, the snapshot of nothing, and it works. */
static void check_empty(void *state) {
    static uint8_t bytes[STREAM_BYTES_MAX];
    assert_int_equal(save(state, bytes).size, HEADER_BYTES + 32);
    digest_t empty = hash_bytes(bytes_of("\x02", 1));
    synod_digest root = root_of(state);
    assert_true(digest_equal(&root, &empty));
}

static void check_refused(bytes_t stream, synod_status expected) {
    assert_int_equal(load(kv, stream, 1000), expected);
    check_empty(kv);
}

static void test_round_trip(void **state) {
    (void)state;
    static uint8_t again[STREAM_BYTES_MAX];
    static const size_t pieces[] = {1, 2, 3, 17, 100, 65536, STREAM_BYTES_MAX};
    static const int counts[] = {0, 1, 2, 400};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        fill(counts[i]);
        bytes_t stream = save(kv, stream_bytes);
        synod_digest root = root_of(kv);
        for (size_t piece = 0; piece < sizeof pieces / sizeof pieces[0]; piece++) {
            void *other;
            assert_int_equal(app->open(&other), SYNOD_OK);
            set(other, bytes_of("replaced", 8), bytes_of("x", 1));
            assert_int_equal(load(other, stream, pieces[piece]), SYNOD_OK);
            synod_digest other_root = root_of(other);
            assert_true(digest_equal(&root, &other_root));
            assert_true(bytes_equal(stream, save(other, again)));
            set(other, bytes_of("after", 5), bytes_of("x", 1));
            app->close(other);
        }
    }
}

static void test_largest_value(void **state) {
    (void)state;
    static uint8_t value[KV_VALUE_BYTES_MAX], key[KV_KEY_BYTES_MAX];
    memset(value, 'v', sizeof value);
    set(kv, bytes_of(key, sizeof key), bytes_of(value, sizeof value));
    set(kv, bytes_of(key, 1), bytes_of(value, 0));
    bytes_t stream = save(kv, stream_bytes);
    synod_digest root = root_of(kv);
    assert_int_equal(load(kv, stream, 65536), SYNOD_OK);
    synod_digest loaded = root_of(kv);
    assert_true(digest_equal(&root, &loaded));
}

/* The stream of docs/formats/kv.md, section "Snapshot", byte by byte. */
static void test_bytes(void **state) {
    (void)state;
    set(kv, bytes_of("b", 1), bytes_of("2", 1));
    set(kv, bytes_of("a", 1), bytes_of("1", 1));
    static const uint8_t expected[] = {'S', 'Y', 'N', 'O', 'D', 'K', 'V', 1,   2, 0,  0,
                                       0,   0,   0,   0,   0,   1,   0,   'b', 1, 0,  0,
                                       0,   '2', 1,   0,   'a', 1,   0,   0,   0, '1'};
    bytes_t stream = save(kv, stream_bytes);
    synod_digest root = root_of(kv);
    assert_int_equal(stream.size, sizeof expected + 32);
    assert_memory_equal(stream.data, expected, sizeof expected);
    assert_memory_equal(stream.data + sizeof expected, root.bytes, 32);
}

static void test_every_bent_byte_is_refused(void **state) {
    (void)state;
    fill(12);
    bytes_t stream = save(kv, stream_bytes);
    for (size_t at = 0; at < stream.size; at++) {
        for (uint32_t bit = 0; bit < 8; bit++) {
            stream_bytes[at] = (uint8_t)(stream_bytes[at] ^ 1u << bit);
            synod_status status = load(kv, stream, 1000);
            assert_int_not_equal(status, SYNOD_OK);
            stream_bytes[at] = (uint8_t)(stream_bytes[at] ^ 1u << bit);
            if (bit == 0) {
                check_empty(kv);
            }
        }
    }
    assert_int_equal(load(kv, stream, 1000), SYNOD_OK);
}

static void test_every_cut_is_refused(void **state) {
    (void)state;
    fill(12);
    bytes_t stream = save(kv, stream_bytes);
    for (size_t cut = 0; cut < stream.size; cut++) {
        uint8_t *copy = malloc(cut > 0 ? cut : 1);
        assert_non_null(copy);
        memcpy(copy, stream.data, cut);
        assert_int_equal(load(kv, bytes_of(copy, cut), 100), SYNOD_TRUNCATED);
        free(copy);
    }
    check_empty(kv);
    stream_bytes[stream.size++] = 0;
    check_refused(stream, SYNOD_MALFORMED);
}

/* A stream by hand around two entries; the root is that of the sorted stream. */
static size_t forge(uint8_t *to, uint64_t count, const char *first, const char *second) {
    writer_t writer = writer_of(to, STREAM_BYTES_MAX);
    write_bytes(&writer, "SYNODKV\x01", 8);
    write_u64(&writer, count);
    const char *const keys[] = {first, second};
    for (size_t i = 0; i < 2; i++) {
        if (keys[i] != NULL) {
            write_u16(&writer, 1);
            write_bytes(&writer, keys[i], 1);
            write_u32(&writer, 1);
            write_bytes(&writer, keys[i], 1);
        }
    }
    return writer.at;
}

static size_t add_root(uint8_t *to, size_t size, synod_digest root) {
    memcpy(to + size, root.bytes, 32);
    return size + 32;
}

static void test_forged_streams(void **state) {
    (void)state;
    set(kv, bytes_of("a", 1), bytes_of("a", 1));
    synod_digest root_of_a = root_of(kv);
    set(kv, bytes_of("b", 1), bytes_of("b", 1));
    synod_digest root = root_of(kv);
    uint8_t *s = stream_bytes;
    size_t size = add_root(s, forge(s, 2, "b", "a"), root);
    assert_int_equal(load(kv, bytes_of(s, size), 7), SYNOD_OK);
    size = add_root(s, forge(s, 2, "a", "b"), root); /* not in the order of the digests */
    check_refused(bytes_of(s, size), SYNOD_MALFORMED);
    size = add_root(s, forge(s, 2, "a", "a"), root_of_a); /* twice */
    check_refused(bytes_of(s, size), SYNOD_MALFORMED);
    size = add_root(s, forge(s, 2, "b", "a"), root_of_a); /* another root */
    check_refused(bytes_of(s, size), SYNOD_BAD_CHECKSUM);
    size = add_root(s, forge(s, 1, "b", "a"), root); /* counts fewer */
    check_refused(bytes_of(s, size), SYNOD_MALFORMED);
    size = add_root(s, forge(s, UINT64_MAX, "b", "a"), root); /* counts more */
    assert_int_not_equal(load(kv, bytes_of(s, size), 1000), SYNOD_OK);
    check_empty(kv);
    size = forge(s, 0, NULL, NULL);
    s[7] = 2;
    check_refused(bytes_of(s, size), SYNOD_BAD_VERSION);
    size = forge(s, 1, NULL, NULL);
    store_u16(s + size, 0);
    check_refused(bytes_of(s, size + 2), SYNOD_MALFORMED);
    store_u16(s + size, KV_KEY_BYTES_MAX + 1);
    check_refused(bytes_of(s, size + 2), SYNOD_TOO_LARGE);
    store_u16(s + size, 1);
    store_u32(s + size + 3, KV_VALUE_BYTES_MAX + 1);
    check_refused(bytes_of(s, size + 7), SYNOD_TOO_LARGE);
}

static void test_state_bound(void **state) {
    (void)state;
    fill(5);
    kv_state_t *inside = kv;
    bytes_t stream = save(kv, stream_bytes);
    uint64_t used_bytes = inside->store.used_bytes;
    inside->view.used_bytes_max = used_bytes;
    assert_int_equal(load(kv, stream, 50), SYNOD_OK);
    assert_int_equal(inside->store.used_bytes, used_bytes);
    inside->view.used_bytes_max = used_bytes - 1;
    check_refused(stream, SYNOD_TOO_LARGE);
}

static void test_query_waits_for_the_end(void **state) {
    (void)state;
    fill(5);
    bytes_t stream = save(kv, stream_bytes);
    uint8_t query[16];
    writer_t writer = writer_of(query, sizeof query);
    kv_encode_get(&writer, bytes_of("key 1", 5));
    synod_writer reply = {ignore, NULL, KV_REPLY_BYTES_MAX};
    assert_int_equal(app->snapshot_load(kv, bytes_of(stream.data, 40)), SYNOD_OK);
    assert_int_equal(app->query(kv, writer_bytes(&writer), false, &reply, NULL), SYNOD_BUSY);
    assert_int_equal(app->snapshot_load(kv, bytes_of(stream.data + 40, stream.size - 40)),
                     SYNOD_OK);
    assert_int_equal(app->snapshot_load(kv, bytes_of(NULL, 0)), SYNOD_OK);
    assert_int_equal(app->query(kv, writer_bytes(&writer), false, &reply, NULL), SYNOD_OK);
}

/* Pieces of any size add up to the same stream; a writer that takes less than it said is told. */
static void test_pieces(void **state) {
    (void)state;
    static uint8_t again[STREAM_BYTES_MAX];
    fill(20);
    bytes_t stream = save(kv, stream_bytes);
    for (size_t limit = 1; limit < 700 && limit < stream.size; limit += 23) {
        sink_t sink = {again, 0, sizeof again};
        bool more = true;
        app->snapshot_begin(kv);
        while (more) {
            size_t before = sink.size;
            synod_writer writer = {collect, &sink, limit};
            assert_int_equal(app->snapshot_next(kv, &writer, &more), SYNOD_OK);
            assert_true(sink.size - before <= limit);
        }
        app->snapshot_end(kv);
        assert_true(bytes_equal(bytes_of(again, sink.size), stream));
        sink = (sink_t){again, 0, limit - 1};
        synod_writer writer = {collect, &sink, limit};
        app->snapshot_begin(kv);
        assert_int_equal(app->snapshot_next(kv, &writer, &more), SYNOD_TOO_LARGE);
        app->snapshot_end(kv);
    }
}

static void change(void *of, uint64_t chance) {
    char key[32];
    uint8_t room[6000];
    uint8_t value[5000];
    memset(value, (int)(chance >> 32), sizeof value);
    (void)snprintf(key, sizeof key, "key %d", (int)(chance % 500));
    if (chance >> 20 & 1) {
        set(of, bytes_of(key, strlen(key)), bytes_of(value, (chance >> 21) % sizeof value));
        return;
    }
    synod_block_info block = {.height = 1};
    sink_t sink = {room, 0, sizeof room};
    synod_writer reply = {collect, &sink, sizeof room};
    uint8_t operation[64];
    writer_t writer = writer_of(operation, sizeof operation);
    kv_encode_delete(&writer, bytes_of(key, strlen(key)));
    assert_int_equal(app->execute(of, &block, writer_bytes(&writer), &reply), SYNOD_OK);
}

/* What is saved is the state of the beginning, whatever is written, removed, put in again or
 * settled between the pieces; and the state goes on as one of which no snapshot is taken. */
static void test_changes_meanwhile(void **state) {
    (void)state;
    static uint8_t again[STREAM_BYTES_MAX];
    for (uint64_t seed = 1; seed <= 60; seed++) {
        prng_t prng = prng_of(seed);
        void *other;
        assert_int_equal(app->open(&other), SYNOD_OK);
        for (int i = 0; i < 200; i++) {
            uint64_t chance = prng_next(&prng);
            change(kv, chance);
            change(other, chance);
        }
        bytes_t stream = save(other, stream_bytes);
        sink_t sink = {again, 0, sizeof again};
        app->root(kv, &(synod_digest){{0}});
        app->snapshot_begin(kv);
        for (bool more = true; more;) {
            synod_writer writer = {collect, &sink, prng_between(&prng, 1, 20000)};
            assert_int_equal(app->snapshot_next(kv, &writer, &more), SYNOD_OK);
            for (uint64_t i = prng_below(&prng, 20); i > 0; i--) {
                uint64_t chance = prng_next(&prng);
                change(kv, chance);
                change(other, chance);
            }
            if (prng_below(&prng, 3) == 0) {
                (void)root_of(kv);
            }
        }
        app->snapshot_end(kv);
        assert_true(bytes_equal(bytes_of(again, sink.size), stream));
        synod_digest root = root_of(kv), expected = root_of(other);
        assert_true(digest_equal(&root, &expected));
        app->snapshot_begin(kv); /* given up */
        change(kv, prng_next(&prng));
        app->close(other);
        app->close(kv);
        assert_int_equal(app->open(&kv), SYNOD_OK);
    }
}

#define KV_TEST(test) cmocka_unit_test_setup_teardown(test, open_kv, close_kv)

int main(void) {
    const struct CMUnitTest tests[] = {
        KV_TEST(test_round_trip),
        KV_TEST(test_largest_value),
        KV_TEST(test_bytes),
        KV_TEST(test_every_bent_byte_is_refused),
        KV_TEST(test_every_cut_is_refused),
        KV_TEST(test_forged_streams),
        KV_TEST(test_state_bound),
        KV_TEST(test_query_waits_for_the_end),
        KV_TEST(test_pieces),
        KV_TEST(test_changes_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
