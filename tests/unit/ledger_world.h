/* What the ledger's tests share: a small deterministic application, a ledger over it, a block under
 * construction, and copies of the replies.
 *
 * The application folds every operation and its block into one number. The first byte of an
 * operation says what it does: 'e' echoes, 'n' leaves the state alone, 'f' fails with a text,
 * 'b' + u32 answers so many bytes, 's' + u32 writes its limit minus that number and then tries 65
 * bytes more, 'x' returns a status that no application may return. */
#ifndef TESTS_UNIT_LEDGER_WORLD_H
#define TESTS_UNIT_LEDGER_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/prng.h"
#include "crypto/hash.h"
#include "replica/ledger.h"

/* ---- application ---- */

typedef struct fold {
    uint64_t value, operations, blocks, last_time_ns;
    uint8_t loading[32], saved[32];
    size_t loaded, saved_at;
} fold_t;

static inline void fold_add(fold_t *fold, const void *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        fold->value = (fold->value ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
    }
}

static inline synod_status fold_open(void **state) {
    *state = calloc(1, sizeof(fold_t));
    return *state == NULL ? SYNOD_NO_MEMORY : SYNOD_OK;
}

static inline void fold_close(void *state) {
    free(state);
}

/* What was announced: it runs next, in that order, and before anything else is announced. */
static struct {
    synod_bytes operations[64];
    uint32_t count, ran, groups, all;
} fold_expected;

static inline void fold_expect(void *state, const synod_bytes *operations, uint32_t count) {
    (void)state;
    assert_true(count > 1 && count <= 64);
    assert_int_equal(fold_expected.ran, fold_expected.count);
    memcpy(fold_expected.operations, operations, count * sizeof operations[0]);
    fold_expected.count = count;
    fold_expected.ran = 0;
    fold_expected.groups++;
    fold_expected.all += count;
}

static inline synod_status fold_execute(void *state, const synod_block_info *block,
                                        synod_bytes operation, synod_writer *reply) {
    fold_t *fold = state;
    if (fold_expected.ran < fold_expected.count) {
        assert_ptr_equal(operation.data, fold_expected.operations[fold_expected.ran++].data);
    }
    static const uint8_t pattern[1 << 16] = {'p', 'q'};
    uint8_t kind = operation.size > 0 ? operation.data[0] : 0;
    uint32_t number = operation.size >= 5 ? load_u32(operation.data + 1) : 0;
    if (kind == 'n') {
        reply->put(reply->context, operation);
        return SYNOD_OK;
    }
    fold->operations++;
    fold_add(fold, operation.data, operation.size);
    fold_add(fold, &block->height, sizeof block->height);
    fold_add(fold, &block->proposer, sizeof block->proposer);
    fold_add(fold, &block->operation_count, sizeof block->operation_count);
    fold->last_time_ns = block->time_ns;
    if (kind == 'f') {
        reply->put(reply->context, (synod_bytes){(const uint8_t *)"refused", 7});
        return SYNOD_APP_ERROR;
    }
    if (kind == 'x') {
        return SYNOD_CORRUPT;
    }
    if (kind == 'b') {
        assert_true(number <= sizeof pattern);
        reply->put(reply->context, (synod_bytes){pattern, number});
        return SYNOD_OK;
    }
    if (kind == 's') {
        assert_true(reply->limit_bytes <= sizeof pattern);
        number = number < reply->limit_bytes ? number : (uint32_t)reply->limit_bytes;
        assert_true(
            reply->put(reply->context, (synod_bytes){pattern, reply->limit_bytes - number}));
        bool fits = reply->put(reply->context, (synod_bytes){pattern, 64});
        assert_int_equal(fits, number >= 64);
        assert_int_equal(reply->put(reply->context, (synod_bytes){pattern, 1}), number >= 65);
        return SYNOD_OK;
    }
    uint8_t count[8];
    store_u64(count, fold->operations);
    reply->put(reply->context, operation);
    reply->put(reply->context, (synod_bytes){count, sizeof count});
    return SYNOD_OK;
}

static inline void fold_end_block(void *state, const synod_block_info *block) {
    fold_t *fold = state;
    fold->blocks++;
    fold_add(fold, &block->time_ns, sizeof block->time_ns);
}

static inline void fold_encode(const fold_t *fold, uint8_t to[32]) {
    store_u64(to, fold->value);
    store_u64(to + 8, fold->operations);
    store_u64(to + 16, fold->blocks);
    store_u64(to + 24, fold->last_time_ns);
}

static inline void fold_root(void *state, synod_digest *root) {
    uint8_t bytes[32];
    fold_encode(state, bytes);
    *root = hash_bytes(bytes_of(bytes, sizeof bytes));
}

/* What is saved is the state of the beginning. */
static inline void fold_save_begin(void *state) {
    fold_t *fold = state;
    fold_encode(fold, fold->saved);
    fold->saved_at = 0;
}

static inline synod_status fold_save_next(void *state, synod_writer *writer, bool *more) {
    fold_t *fold = state;
    size_t left = sizeof fold->saved - fold->saved_at;
    size_t size = left < 20 ? left : 20;
    size = size < writer->limit_bytes ? size : writer->limit_bytes;
    if (!writer->put(writer->context, (synod_bytes){fold->saved + fold->saved_at, size})) {
        return SYNOD_TOO_LARGE;
    }
    fold->saved_at += size;
    *more = fold->saved_at < sizeof fold->saved;
    return SYNOD_OK;
}

static inline void fold_save_end(void *state) {
    ((fold_t *)state)->saved_at = 0;
}

static inline synod_status fold_load(void *state, synod_bytes piece) {
    fold_t *fold = state;
    if (piece.size > sizeof fold->loading - fold->loaded) {
        *fold = (fold_t){0};
        return SYNOD_TOO_LARGE;
    }
    if (piece.size > 0) {
        memcpy(fold->loading + fold->loaded, piece.data, piece.size);
        fold->loaded += piece.size;
        return SYNOD_OK;
    }
    bool whole = fold->loaded == sizeof fold->loading;
    const uint8_t *from = fold->loading;
    *fold = !whole ? (fold_t){0}
                   : (fold_t){.value = load_u64(from),
                              .operations = load_u64(from + 8),
                              .blocks = load_u64(from + 16),
                              .last_time_ns = load_u64(from + 24)};
    return whole ? SYNOD_OK : SYNOD_TRUNCATED;
}

/* The same in pieces, when a test says how many. */
static uint32_t fold_pieces, fold_left;
static synod_digest fold_rooted;

static inline void fold_root_begin(void *state) {
    fold_root(state, &fold_rooted);
    fold_left = fold_pieces;
}

static inline bool fold_root_next(void *state, synod_digest *root) {
    (void)state;
    *root = fold_rooted;
    fold_left -= fold_left > 0 ? 1 : 0;
    return fold_left == 0;
}

static const synod_app fold_app = {.size_bytes = sizeof(synod_app),
                                   .name = "fold",
                                   .open = fold_open,
                                   .close = fold_close,
                                   .execute = fold_execute,
                                   .end_block = fold_end_block,
                                   .root = fold_root,
                                   .snapshot_begin = fold_save_begin,
                                   .snapshot_next = fold_save_next,
                                   .snapshot_end = fold_save_end,
                                   .snapshot_load = fold_load,
                                   .expect = fold_expect};

/* ---- keys: the first byte 0xff is bad ---- */

static inline synod_status world_judge_key(const void *context, const key_public_t *key) {
    (void)context;
    return key->bytes[0] == 0xff ? SYNOD_BAD_KEY : SYNOD_OK;
}

static const verifier_t world_verifier = {.suite = SUITE_SYMBOLIC, .judge_key = world_judge_key};

static inline key_public_t world_key(uint8_t name) {
    return (key_public_t){{name, 7}};
}

/* ---- requests and blocks ---- */

#define WORLD_REQUESTS_MAX 512
#define WORLD_BYTES_MAX (1u << 20)

/* A block that is being filled, and the replies after it ran. */
typedef struct world_block {
    uint8_t bytes[WORLD_BYTES_MAX];
    size_t used;
    request_t requests[WORLD_REQUESTS_MAX];
    uint32_t count;
    reply_t replies[WORLD_REQUESTS_MAX]; /* results point into reply_bytes */
    uint32_t reply_count;
    uint8_t reply_bytes[WORLD_BYTES_MAX];
    size_t reply_used;
} world_block_t;

static inline world_block_t *world_block(void) {
    world_block_t *block = malloc(sizeof *block);
    assert_non_null(block);
    block->used = block->reply_used = 0;
    block->count = block->reply_count = 0;
    return block;
}

/* The body is whole: a signature that nobody checks here, and what the decoder makes of it. */
static inline void world_finish(world_block_t *block, writer_t *writer, uint32_t operations) {
    static const uint8_t signature[SYNOD_SIGNATURE_BYTES];
    store_u32(block->bytes + block->used + 24, operations);
    write_bytes(writer, signature, sizeof signature);
    assert_false(writer->failed);
    reader_t reader = reader_of(bytes_of(block->bytes + block->used, writer->at));
    assert_true(block->count < WORLD_REQUESTS_MAX);
    assert_int_equal(request_decode(&reader, &block->requests[block->count]), SYNOD_OK);
    assert_true(reader_done(&reader));
    block->count++;
    block->used += writer->at;
}

static inline void world_open_request(world_block_t *block, key_public_t key, uint64_t nonce) {
    writer_t writer = writer_of(block->bytes + block->used, WORLD_BYTES_MAX - block->used);
    uint8_t operation[REQUEST_OPEN_BYTES];
    memcpy(operation, key.bytes, SYNOD_KEY_BYTES);
    store_u64(operation + SYNOD_KEY_BYTES, nonce);
    request_begin(&writer, 0, 0, 0);
    request_add(&writer, bytes_of(operation, sizeof operation));
    world_finish(block, &writer, 1);
}

static inline void world_requests(world_block_t *block, uint64_t session, uint64_t sequence,
                                  uint64_t acknowledged, const bytes_t *operations,
                                  uint32_t count) {
    writer_t writer = writer_of(block->bytes + block->used, WORLD_BYTES_MAX - block->used);
    request_begin(&writer, session, sequence, acknowledged);
    for (uint32_t i = 0; i < count; i++) {
        request_add(&writer, operations[i]);
    }
    world_finish(block, &writer, count);
}

static inline void world_request(world_block_t *block, uint64_t session, uint64_t sequence,
                                 uint64_t acknowledged, const char *operation) {
    bytes_t bytes = bytes_of(operation, strlen(operation));
    world_requests(block, session, sequence, acknowledged, &bytes, 1);
}

/* An operation of a kind with a number. */
static inline void world_sized(world_block_t *block, uint64_t session, uint64_t sequence,
                               uint64_t acknowledged, char kind, uint32_t number) {
    uint8_t operation[5] = {(uint8_t)kind};
    store_u32(operation + 1, number);
    bytes_t bytes = bytes_of(operation, sizeof operation);
    world_requests(block, session, sequence, acknowledged, &bytes, 1);
}

/* ---- a ledger ---- */

typedef struct world {
    void *memory;
    ledger_t *ledger;
    ledger_parameters_t parameters;
} world_t;

static const ledger_parameters_t world_small = {.sessions_max = 3,
                                                .session_window = 8,
                                                .session_reply_bytes = 100,
                                                .session_idle_ns = 1000,
                                                .reply_bytes_max = LEDGER_REPLY_BYTES_MIN};

static inline world_t world_make(ledger_parameters_t parameters) {
    world_t world = {.parameters = parameters};
    size_t size = ledger_bytes(&parameters);
    assert_true(size > 0);
    world.memory = calloc(1, size); /* aligned to 16 on every machine that we build for */
    assert_non_null(world.memory);
    synod_app app = fold_app;
    if (fold_pieces > 0) {
        app.root_begin = fold_root_begin;
        app.root_next = fold_root_next;
    }
    assert_int_equal(ledger_open(world.memory, &parameters, &app, &world_verifier, &world.ledger),
                     SYNOD_OK);
    return world;
}

static inline void world_free(world_t *world) {
    ledger_close(world->ledger);
    free(world->memory);
}

static inline void world_on_reply(void *context, const request_t *request, const reply_t *reply) {
    world_block_t *block = context;
    assert_ptr_equal(request, &block->requests[block->reply_count]);
    reply_t *copy = &block->replies[block->reply_count++];
    *copy = *reply;
    assert_true(reply->result.size <= WORLD_BYTES_MAX - block->reply_used);
    copy->result.data = block->reply_bytes + block->reply_used;
    if (reply->result.size > 0) {
        memcpy(block->reply_bytes + block->reply_used, reply->result.data, reply->result.size);
    }
    block->reply_used += reply->result.size;
}

/* Executes the block as the next one; its replies are in it afterwards. */
static inline void world_run(world_t *world, world_block_t *block, uint64_t time_ns) {
    block_t header = {.height = ledger_height(world->ledger) + 1,
                      .time_ns = time_ns,
                      .proposer = 2,
                      .payload_count = block->count};
    block->reply_count = 0;
    block->reply_used = 0;
    ledger_execute(world->ledger, &header, block->requests, block->count, world_on_reply, block);
    assert_int_equal(block->reply_count, block->count);
}

static inline digest_t world_root(world_t *world) {
    digest_t committee = {{3}};
    return ledger_root(world->ledger, &committee, bytes_of("order", 5), NULL);
}

/* ---- stream ---- */

typedef struct world_stream {
    uint8_t *data;
    size_t size, limit;
} world_stream_t;

static inline bool world_stream_put(void *context, synod_bytes bytes) {
    world_stream_t *stream = context;
    if (bytes.size > stream->limit - stream->size) {
        return false;
    }
    if (bytes.size > 0) {
        memcpy(stream->data + stream->size, bytes.data, bytes.size);
        stream->size += bytes.size;
    }
    return true;
}

/* All that is left of a saving that has begun, in pieces of `piece_bytes`. */
static inline void world_save_rest(world_t *world, world_stream_t *stream, size_t piece_bytes) {
    for (bool more = true; more;) {
        size_t before = stream->size;
        synod_writer writer = {
            .put = world_stream_put, .context = stream, .limit_bytes = piece_bytes};
        assert_int_equal(ledger_save_next(world->ledger, &writer, &more), SYNOD_OK);
        assert_true(stream->size - before <= piece_bytes);
    }
    ledger_save_end(world->ledger);
}

static inline world_stream_t world_save_pieces(world_t *world, size_t piece_bytes) {
    world_stream_t stream = {.data = malloc(WORLD_BYTES_MAX), .limit = WORLD_BYTES_MAX};
    assert_non_null(stream.data);
    ledger_save_begin(world->ledger);
    world_save_rest(world, &stream, piece_bytes);
    return stream;
}

static inline world_stream_t world_save(world_t *world) {
    return world_save_pieces(world, WORLD_BYTES_MAX);
}

/* Loads in pieces of `piece_bytes`, and ends; the first failure ends it too. */
static inline synod_status world_load(world_t *world, bytes_t stream, size_t piece_bytes) {
    for (size_t at = 0; at < stream.size; at += piece_bytes) {
        size_t size = stream.size - at < piece_bytes ? stream.size - at : piece_bytes;
        synod_status status = ledger_load(world->ledger, bytes_of(stream.data + at, size));
        if (status != SYNOD_OK) {
            return status;
        }
    }
    return ledger_load(world->ledger, (bytes_t){0});
}

#endif
