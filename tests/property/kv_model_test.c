/* `kv` against a naive model: thousands of random operations, and after each the same reply; every
 * now and then the same root, the same snapshot, a proof of everything there is and is not.
 *
 * The model knows a fixed list of keys, in order, and for each a value or none. It copies itself
 * before a transaction, computes the root by splitting the sorted digests, and shares no code with
 * what it checks but SHA-256 and the encoders (whose bytes tests/unit/kv_format_test.c fixes). */
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
static uint64_t used_bytes_max;
static const synod_app *app;
static void *kv;
static prng_t prng;
static uint32_t accepted, refused, aborted, proofs;

typedef struct sink {
    uint8_t *bytes;
    size_t size, limit;
} sink_t;

static uint8_t reply_bytes[KV_REPLY_BYTES_MAX], proof_bytes[16384];
static uint8_t expected_bytes[BUFFER_BYTES], operation_bytes[BUFFER_BYTES];
static uint8_t stream[STREAM_BYTES], other_stream[STREAM_BYTES];

static bool collect(void *context, synod_bytes bytes) {
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

static bytes_t key_at(uint32_t at) {
    return bytes_of(keys.bytes[at], keys.sizes[at]);
}

/* Valid until the next call but one. */
static bytes_t value_bytes(const value_t *value) {
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

static uint64_t used_bytes(const model_t *model) {
    uint64_t used = 0;
    for (uint32_t i = 0; i < keys.count; i++) {
        if (model->values[i].present) {
            used += KV_ENTRY_CHARGE_BYTES + keys.sizes[i] + value_bytes(&model->values[i]).size;
        }
    }
    return used;
}

static kv_error_t put(model_t *model, uint32_t key, value_t value) {
    bool bounded = used_bytes_max != UINT64_MAX;
    uint64_t before = bounded ? used_bytes(model) : 0;
    model->values[key] = value; /* the caller drops the model on failure */
    uint64_t after = bounded ? used_bytes(model) : 0;
    return after > before && after > used_bytes_max ? KV_STATE_FULL : KV_OK;
}

static bool holds(const plan_t *plan, const value_t *value) {
    if (plan->condition != KV_EQUALS) {
        return value->present == (plan->condition == KV_PRESENT);
    }
    return value->present && bytes_equal(value_bytes(value), value_bytes(&plan->expected));
}

static kv_error_t model_increment(model_t *model, const plan_t *plan, writer_t *reply) {
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

static kv_error_t model_scan(const model_t *model, const plan_t *plan, writer_t *reply) {
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

static kv_error_t model_run(model_t *model, const plan_t *plan, writer_t *reply) {
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
static synod_status model_execute(const plan_t *plans, uint32_t count, writer_t *reply) {
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

static bool digest_bit(const digest_t *digest, uint32_t bit) {
    return (digest->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

static digest_t hash_three(bytes_t tags, const digest_t *left, const digest_t *right) {
    const bytes_t parts[] = {tags, bytes_of(left->bytes, 32), bytes_of(right->bytes, 32)};
    return hash_parts(parts, 3);
}

/* The root over places sorted by digest: split at the first bit where they differ. */
static digest_t naive_root(const model_t *model, const uint32_t *places, uint32_t count) {
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

static digest_t model_root(const model_t *model) {
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

static value_t random_value(void) {
    static const uint32_t sizes[] = {0, 1, 8, 20, 60, 300, 5000};
    uint32_t size = sizes[prng_below(&prng, prng_chance(&prng, 50000) ? 7 : 6)];
    return (value_t){.present = true, .seed = prng_below(&prng, 3), .size = size};
}

static plan_t random_plan(bool member) {
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

static void encode(writer_t *writer, const plan_t *plan) {
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

static void check_execute(const plan_t *plans, uint32_t count) {
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

static void random_operation(void) {
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

/* ---- what is compared now and then ---- */

static void check_root(void) {
    synod_digest root, expected = model_root(&now);
    app->root(kv, &root);
    assert_true(digest_equal(&root, &expected));
    settled = now;
    settled_root = root;
}

/* Asks for a proof; the answer is that of the last root and the proof holds. */
static void check_proof(bytes_t key, const value_t *value) {
    uint8_t query[64];
    writer_t writer = writer_of(query, sizeof query);
    kv_encode_get(&writer, key);
    sink_t sink = {reply_bytes, 0, sizeof reply_bytes}, proof_sink = {proof_bytes, 0, 16384};
    synod_writer reply = {collect, &sink, sizeof reply_bytes};
    synod_writer proof = {collect, &proof_sink, sizeof proof_bytes};
    assert_int_equal(app->query(kv, writer_bytes(&writer), true, &reply, &proof), SYNOD_OK);
    kv_maybe_t answer;
    assert_true(kv_read_get(bytes_of(sink.bytes, sink.size), &answer));
    assert_int_equal(answer.present, value->present);
    assert_true(!answer.present || bytes_equal(answer.value, value_bytes(value)));
    bytes_t proved = bytes_of(proof_bytes, proof_sink.size);
    bytes_t replied = bytes_of(sink.bytes, sink.size);
    assert_int_equal(app->verify(&settled_root, writer_bytes(&writer), replied, proved), SYNOD_OK);
    size_t at = prng_below(&prng, proved.size);
    proof_bytes[at] = (uint8_t)(proof_bytes[at] ^ 1u << prng_below(&prng, 8));
    assert_int_not_equal(app->verify(&settled_root, writer_bytes(&writer), replied, proved),
                         SYNOD_OK);
    proofs++;
}

static void check_all_proofs(void) {
    const value_t absent = {.present = false};
    for (uint32_t i = 0; i < keys.count; i++) {
        check_proof(key_at(i), &settled.values[i]);
    }
    for (int i = 0; i < 300; i++) {
        char key[KEY_BYTES];
        (void)snprintf(key, sizeof key, "never there %d", i);
        check_proof(bytes_of(key, strlen(key)), &absent);
    }
}

static void bound_state(void) {
    ((kv_state_t *)kv)->view.used_bytes_max = used_bytes_max;
}

static bytes_t save(void *state, uint8_t *to) {
    sink_t sink = {to, 0, STREAM_BYTES};
    synod_writer writer = {collect, &sink, STREAM_BYTES};
    bool more;
    app->snapshot_begin(state);
    assert_true(app->snapshot_next(state, &writer, &more) == SYNOD_OK && !more);
    app->snapshot_end(state);
    return bytes_of(to, sink.size);
}

/* The state goes on as what was loaded from its snapshot. */
static void check_snapshot(void) {
    check_root();
    bytes_t saved = save(kv, stream);
    void *other;
    assert_int_equal(app->open(&other), SYNOD_OK);
    for (size_t at = 0; at < saved.size;) {
        size_t size = prng_between(&prng, 1, 5000);
        size = size < saved.size - at ? size : saved.size - at;
        assert_int_equal(app->snapshot_load(other, bytes_of(saved.data + at, size)), SYNOD_OK);
        at += size;
    }
    assert_int_equal(app->snapshot_load(other, bytes_of(NULL, 0)), SYNOD_OK);
    assert_true(bytes_equal(saved, save(other, other_stream)));
    app->close(kv);
    kv = other;
    bound_state();
    check_root();
}

/* Another state, filled with the same content in another order and with detours: the same root. */
static void check_no_history(void) {
    static uint32_t order[KEYS_MAX];
    static model_t target;
    check_root();
    target = now;
    synod_digest root = settled_root;
    app->close(kv);
    assert_int_equal(app->open(&kv), SYNOD_OK);
    now = (model_t){0};
    for (uint32_t i = 0; i < keys.count; i++) {
        uint32_t with = (uint32_t)prng_below(&prng, i + 1);
        order[i] = order[with];
        order[with] = i;
    }
    for (uint32_t i = 0; i < keys.count; i++) {
        plan_t detour = {.code = KV_SET, .key = order[i], .value = random_value()};
        plan_t remove = {.code = KV_DELETE, .key = order[i]};
        plan_t plan = {.code = KV_SET, .key = order[i], .value = target.values[order[i]]};
        bool present = plan.value.present;
        if (!present || prng_chance(&prng, 300000)) {
            check_execute(&detour, 0);
            if (prng_chance(&prng, 100000)) {
                check_root();
            }
            check_execute(&remove, 0);
        }
        if (present) {
            check_execute(&plan, 0);
        }
    }
    check_root();
    assert_true(digest_equal(&root, &settled_root));
}

/* ---- the lists of keys ---- */

static int compare_keys(const void *a, const void *b) {
    const uint8_t *left = a, *right = b; /* size, then bytes */
    size_t common = left[0] < right[0] ? left[0] : right[0];
    int order = memcmp(left + 1, right + 1, common);
    return order != 0 ? order : left[0] - right[0];
}

static int compare_places(const void *a, const void *b) {
    const uint32_t *left = a, *right = b;
    return memcmp(keys.digests[*left].bytes, keys.digests[*right].bytes, 32);
}

static void make_keys(uint32_t wanted, uint32_t letters, size_t size_max) {
    static uint8_t raw[KEYS_MAX][KEY_BYTES + 1];
    for (uint32_t i = 0; i < wanted; i++) {
        raw[i][0] = (uint8_t)prng_between(&prng, 1, size_max);
        for (uint32_t at = 1; at <= raw[i][0]; at++) {
            raw[i][at] = (uint8_t)(prng_below(&prng, letters) * 85);
        }
    }
    qsort(raw, wanted, sizeof raw[0], compare_keys);
    keys.count = 0;
    for (uint32_t i = 0; i < wanted; i++) {
        if (i > 0 && compare_keys(raw[i - 1], raw[i]) == 0) {
            continue;
        }
        keys.sizes[keys.count] = raw[i][0];
        memcpy(keys.bytes[keys.count], raw[i] + 1, raw[i][0]);
        keys.digests[keys.count] = hash_bytes(key_at(keys.count));
        keys.by_digest[keys.count] = keys.count;
        keys.count++;
    }
    qsort(keys.by_digest, keys.count, sizeof keys.by_digest[0], compare_places);
}

static void run_model(uint64_t seed, uint32_t operations, uint32_t root_every, uint64_t used_max) {
    app = synod_app_kv();
    assert_int_equal(app->open(&kv), SYNOD_OK);
    used_bytes_max = used_max;
    bound_state();
    prng = prng_of(seed);
    now = settled = (model_t){0};
    accepted = refused = aborted = proofs = 0;
    check_root();
    for (uint32_t i = 0; i < operations; i++) {
        random_operation();
        if (prng_below(&prng, 4) == 0) {
            uint32_t at = (uint32_t)prng_below(&prng, keys.count);
            check_proof(key_at(at), &settled.values[at]);
        }
        if (prng_below(&prng, root_every) == 0) {
            check_root();
        }
        if (prng_below(&prng, operations / 4) == 0) {
            check_snapshot();
        }
    }
    check_root();
    check_all_proofs();
    check_snapshot();
    used_bytes_max = UINT64_MAX;
    check_no_history();
    app->close(kv);
    assert_true(accepted > operations / 4 && refused > operations / 20);
    assert_true(aborted > operations / 50 && proofs > operations / 8);
}

/* Few keys that are prefixes of each other, so that every operation meets the others; with every
 * other seed a state that is nearly full. */
static void test_few_keys(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        prng = prng_of(seed);
        make_keys(40, 4, 4);
        run_model(seed, 15000, 20, seed % 2 == 0 ? 20 * 260 : UINT64_MAX);
    }
}

static void test_many_keys(void **state) {
    (void)state;
    prng = prng_of(6);
    make_keys(KEYS_MAX, 4, KEY_BYTES);
    run_model(6, 20000, 4000, UINT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_keys),
        cmocka_unit_test(test_many_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
