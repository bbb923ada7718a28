/* A naive model of `kv`, and random operations that are run on both and give the same replies.
 *
 * The model knows a fixed list of keys, in order, and for each a value or none. It copies itself
 * before a transaction, computes the root by splitting the sorted digests, and shares no code with
 * what it checks but SHA-256 and the encoders (whose bytes tests/unit/kv_format_test.c fixes). */
#ifndef TESTS_PROPERTY_KV_MODEL_H
#define TESTS_PROPERTY_KV_MODEL_H

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

enum { KEYS_MAX = 3000, KEY_BYTES = 24, VALUE_BYTES = 6000, BUFFER_BYTES = 1 << 18 };
enum { MEMBERS_MAX = 12, STREAM_BYTES = 1 << 24 };

/* Values are what a seed generates, so that the model is small to copy. */
typedef struct value {
    bool present, is_number;
    int64_t number;
    uint64_t seed;
    uint32_t size;
} value_t;

typedef struct model {
    value_t values[KEYS_MAX];
} model_t;

/* An operation before it is encoded. */
typedef struct plan {
    kv_code_t code;
    uint32_t key, after; /* places in the list; after == count: none */
    kv_condition_kind_t condition;
    value_t expected, value;
    int64_t delta;
    uint32_t prefix_size, entries_max, bytes_max;
    bool keys_only;
} plan_t;

static struct {
    uint8_t bytes[KEYS_MAX][KEY_BYTES];
    size_t sizes[KEYS_MAX];
    digest_t digests[KEYS_MAX];
    uint32_t by_digest[KEYS_MAX]; /* places, in the order of the digests */
    uint32_t count;
} keys;

static model_t now, settled;
static synod_digest settled_root;
static model_t asked; /* whose root is being computed in pieces */
static bool rooting;
static uint32_t pace; /* items of its work for an operation, at most */
static model_t kept;  /* whose snapshot is being given out */
static bool keeping;
static uint64_t used_bytes_max;
static const synod_app *app;
static void *kv;
static prng_t prng;
static uint32_t accepted, refused, aborted, proofs, roots, snapshots;

typedef struct sink {
    uint8_t *bytes;
    size_t size, limit;
} sink_t;

static uint8_t reply_bytes[KV_REPLY_BYTES_MAX], proof_bytes[16384];
static uint8_t expected_bytes[BUFFER_BYTES], operation_bytes[BUFFER_BYTES];
static uint8_t stream[STREAM_BYTES], other_stream[STREAM_BYTES], kept_stream[STREAM_BYTES];

static inline bool collect(void *context, synod_bytes bytes) {
    sink_t *to = context;
    if (bytes.size > to->limit - to->size) {
        return false;
    }
    if (bytes.size > 0) {
        memcpy(to->bytes + to->size, bytes.data, bytes.size);
    }
    to->size += bytes.size;
    return true;
}

static inline bytes_t key_at(uint32_t at) {
    return bytes_of(keys.bytes[at], keys.sizes[at]);
}

/* Valid until the next call but one. */
static inline bytes_t value_bytes(const value_t *value) {
    static uint8_t both[2][VALUE_BYTES];
    static unsigned turn;
    uint8_t *to = both[turn++ % 2];
    if (value->is_number) {
        store_u64(to, (uint64_t)value->number);
        return bytes_of(to, 8);
    }
    prng_t bytes = prng_of(value->seed);
    for (uint32_t at = 0; at < value->size; at++) {
        to[at] = (uint8_t)prng_next(&bytes);
    }
    return bytes_of(to, value->size);
}

/* ---- the model ---- */

static inline uint64_t used_bytes(const model_t *model) {
    uint64_t used = 0;
    for (uint32_t i = 0; i < keys.count; i++) {
        if (model->values[i].present) {
            used += KV_ENTRY_CHARGE_BYTES + keys.sizes[i] + value_bytes(&model->values[i]).size;
        }
    }
    return used;
}

static inline kv_error_t put(model_t *model, uint32_t key, value_t value) {
    bool bounded = used_bytes_max != UINT64_MAX;
    uint64_t before = bounded ? used_bytes(model) : 0;
    model->values[key] = value; /* the caller drops the model on failure */
    uint64_t after = bounded ? used_bytes(model) : 0;
    return after > before && after > used_bytes_max ? KV_STATE_FULL : KV_OK;
}

static inline bool holds(const plan_t *plan, const value_t *value) {
    if (plan->condition != KV_EQUALS) {
        return value->present == (plan->condition == KV_PRESENT);
    }
    return value->present && bytes_equal(value_bytes(value), value_bytes(&plan->expected));
}

static inline kv_error_t model_increment(model_t *model, const plan_t *plan, writer_t *reply) {
    const value_t *value = &model->values[plan->key];
    int64_t number = 0;
    if (value->present) {
        bytes_t bytes = value_bytes(value);
        if (bytes.size != 8) {
            return KV_NOT_A_NUMBER;
        }
        number = (int64_t)load_u64(bytes.data);
    }
    if (__builtin_add_overflow(number, plan->delta, &number)) {
        return KV_OVERFLOW;
    }
    kv_error_t error =
        put(model, plan->key, (value_t){.present = true, .is_number = true, .number = number});
    write_u8(reply, 0);
    write_u64(reply, (uint64_t)number);
    return error;
}

static inline kv_error_t model_scan(const model_t *model, const plan_t *plan, writer_t *reply) {
    bytes_t prefix = bytes_of(keys.bytes[plan->key], plan->prefix_size);
    size_t header_at = reply->at, used = 0;
    uint32_t count = 0;
    bool more = false;
    write_u8(reply, 0);
    write_u8(reply, 0);
    write_u32(reply, 0);
    for (uint32_t i = plan->after == keys.count ? 0 : plan->after + 1; i < keys.count; i++) {
        bytes_t key = key_at(i);
        bool inside = key.size >= prefix.size &&
                      (prefix.size == 0 || memcmp(key.data, prefix.data, prefix.size) == 0);
        if (!inside || !model->values[i].present) {
            continue;
        }
        bytes_t value = value_bytes(&model->values[i]);
        size_t size = 2 + key.size + (plan->keys_only ? 0 : 4 + value.size);
        if (count == plan->entries_max || used + size > plan->bytes_max) {
            more = true;
            break;
        }
        write_u16(reply, (uint16_t)key.size);
        write_bytes(reply, key.data, key.size);
        if (!plan->keys_only) {
            write_u32(reply, (uint32_t)value.size);
            write_bytes(reply, value.data, value.size);
        }
        used += size;
        count++;
    }
    reply->data[header_at + 1] = more;
    store_u32(reply->data + header_at + 2, count);
    return more && count == 0 ? KV_REPLY_SIZE : KV_OK;
}

static inline kv_error_t model_run(model_t *model, const plan_t *plan, writer_t *reply) {
    value_t value = model->values[plan->key];
    switch (plan->code) {
    case KV_GET:
        write_u8(reply, 0);
        write_u8(reply, value.present);
        if (value.present) {
            bytes_t bytes = value_bytes(&value);
            write_u32(reply, (uint32_t)bytes.size);
            write_bytes(reply, bytes.data, bytes.size);
        }
        return KV_OK;
    case KV_SET:
    case KV_DELETE:
        write_u8(reply, 0);
        write_u8(reply, value.present);
        return put(model, plan->key, plan->code == KV_SET ? plan->value : (value_t){0});
    case KV_SWAP:
    case KV_CHECK:
        write_u8(reply, 0);
        if (!holds(plan, &value)) {
            return KV_NOT_MET;
        }
        return plan->code == KV_SWAP ? put(model, plan->key, plan->value) : KV_OK;
    case KV_INCREMENT:
        return model_increment(model, plan, reply);
    case KV_SCAN:
        return model_scan(model, plan, reply);
    default:
        fail();
        return KV_MALFORMED;
    }
}

/* Runs the members of a transaction, or one operation alone (count 0). */
static inline synod_status model_execute(const plan_t *plans, uint32_t count, writer_t *reply) {
    static model_t trial;
    trial = now;
    kv_error_t error = KV_OK;
    uint32_t index = KV_INDEX_WHOLE;
    if (count == 0) {
        error = model_run(&trial, &plans[0], reply);
    } else {
        write_u8(reply, 0);
        write_u16(reply, (uint16_t)count);
        for (index = 0; index < count; index++) {
            size_t size_at = reply->at;
            write_u32(reply, 0);
            error = model_run(&trial, &plans[index], reply);
            if (error != KV_OK) {
                break;
            }
            store_u32(reply->data + size_at, (uint32_t)(reply->at - size_at - 4));
        }
    }
    assert_false(reply->failed);
    if (error == KV_OK) {
        now = trial;
        return SYNOD_OK;
    }
    reply->at = 0;
    write_u8(reply, (uint8_t)error);
    write_u16(reply, (uint16_t)index);
    return SYNOD_APP_ERROR;
}

static inline bool digest_bit(const digest_t *digest, uint32_t bit) {
    return (digest->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

static inline digest_t hash_three(bytes_t tags, const digest_t *left, const digest_t *right) {
    const bytes_t parts[] = {tags, bytes_of(left->bytes, 32), bytes_of(right->bytes, 32)};
    return hash_parts(parts, 3);
}

/* The root over places sorted by digest: split at the first bit where they differ. */
static inline digest_t naive_root(const model_t *model, const uint32_t *places, uint32_t count) {
    if (count == 0) {
        return hash_bytes(bytes_of("\x02", 1));
    }
    const digest_t *first = &keys.digests[places[0]];
    if (count == 1) {
        digest_t value = hash_bytes(value_bytes(&model->values[places[0]]));
        return hash_three(bytes_of("\0", 1), first, &value);
    }
    uint32_t bit = 0, split = 0;
    while (digest_bit(first, bit) == digest_bit(&keys.digests[places[count - 1]], bit)) {
        bit++;
    }
    while (!digest_bit(&keys.digests[places[split]], bit)) {
        split++;
    }
    const uint8_t tags[] = {1, (uint8_t)bit};
    digest_t left = naive_root(model, places, split);
    digest_t right = naive_root(model, places + split, count - split);
    return hash_three(bytes_of(tags, 2), &left, &right);
}

static inline digest_t model_root(const model_t *model) {
    static uint32_t places[KEYS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < keys.count; i++) {
        if (model->values[keys.by_digest[i]].present) {
            places[count++] = keys.by_digest[i];
        }
    }
    return naive_root(model, places, count);
}

/* ---- random operations ---- */

static inline value_t random_value(void) {
    static const uint32_t sizes[] = {0, 1, 8, 20, 60, 300, 5000};
    uint32_t size = sizes[prng_below(&prng, prng_chance(&prng, 50000) ? 7 : 6)];
    return (value_t){.present = true, .seed = prng_below(&prng, 3), .size = size};
}

static inline plan_t random_plan(bool member) {
    static const int64_t deltas[] = {1, -1, 1000, INT64_MAX, INT64_MIN, 0};
    plan_t plan = {.key = (uint32_t)prng_below(&prng, keys.count), .after = keys.count};
    plan.code = (kv_code_t)prng_between(&prng, KV_GET, member ? KV_CHECK : KV_SCAN);
    plan.value = random_value();
    plan.condition = (kv_condition_kind_t)prng_below(&prng, 3);
    plan.expected = random_value();
    if (now.values[plan.key].present && prng_chance(&prng, 700000)) {
        plan.expected = now.values[plan.key]; /* so that conditions hold often enough */
    }
    if (plan.code == KV_SWAP && prng_chance(&prng, 200000)) {
        plan.value = (value_t){0};
    }
    plan.delta = deltas[prng_below(&prng, sizeof deltas / sizeof deltas[0])];
    plan.prefix_size = (uint32_t)prng_below(&prng, keys.sizes[plan.key] + 1);
    if (prng_chance(&prng, 500000)) {
        plan.after = (uint32_t)prng_below(&prng, keys.count);
    }
    plan.entries_max = (uint32_t)prng_between(&prng, 1, 20);
    plan.bytes_max = (uint32_t)prng_between(&prng, 1, 3000);
    plan.keys_only = prng_chance(&prng, 300000);
    return plan;
}

static inline void encode(writer_t *writer, const plan_t *plan) {
    bytes_t key = key_at(plan->key);
    kv_condition_t condition = {plan->condition, value_bytes(&plan->expected)};
    kv_maybe_t value = {plan->value.present, value_bytes(&plan->value)};
    kv_scan_bounds_t bounds = {{NULL, 0}, plan->entries_max, plan->bytes_max, plan->keys_only};
    switch (plan->code) {
    case KV_GET:
        kv_encode_get(writer, key);
        return;
    case KV_SET:
        kv_encode_set(writer, key, value.value);
        return;
    case KV_DELETE:
        kv_encode_delete(writer, key);
        return;
    case KV_SWAP:
        kv_encode_swap(writer, key, condition, value);
        return;
    case KV_INCREMENT:
        kv_encode_increment(writer, key, plan->delta);
        return;
    case KV_CHECK:
        kv_encode_check(writer, key, condition);
        return;
    default:
        bounds.after = plan->after == keys.count ? bytes_of(NULL, 0) : key_at(plan->after);
        kv_encode_scan(writer, bytes_of(key.data, plan->prefix_size), &bounds);
        return;
    }
}

static inline void check_execute(const plan_t *plans, uint32_t count) {
    writer_t operation = writer_of(operation_bytes, sizeof operation_bytes);
    if (count > 0) {
        kv_encode_transaction(&operation, (uint16_t)count);
    }
    for (uint32_t i = 0; i < (count > 0 ? count : 1); i++) {
        encode(&operation, &plans[i]);
    }
    assert_false(operation.failed);
    writer_t expected = writer_of(expected_bytes, sizeof expected_bytes);
    synod_status status = model_execute(plans, count, &expected);
    const synod_block_info block = {.height = 1};
    sink_t sink = {reply_bytes, 0, sizeof reply_bytes};
    synod_writer reply = {collect, &sink, sizeof reply_bytes};
    assert_int_equal(app->check(kv, writer_bytes(&operation)), SYNOD_OK);
    assert_int_equal(app->execute(kv, &block, writer_bytes(&operation), &reply), status);
    assert_int_equal(sink.size, expected.at);
    assert_memory_equal(sink.bytes, expected.data, expected.at);
    accepted += status == SYNOD_OK;
    refused += status != SYNOD_OK;
    aborted += status != SYNOD_OK && count > 1;
}

static inline void random_operation(void) {
    plan_t plans[MEMBERS_MAX];
    uint32_t count = prng_chance(&prng, 150000) ? (uint32_t)prng_between(&prng, 1, MEMBERS_MAX) : 0;
    for (uint32_t i = 0; i < (count > 0 ? count : 1); i++) {
        plans[i] = random_plan(count > 0);
        if (i > 0 && prng_chance(&prng, 400000)) {
            plans[i].key = plans[i - 1].key; /* members that meet */
        }
    }
    check_execute(plans, count);
}

#endif
