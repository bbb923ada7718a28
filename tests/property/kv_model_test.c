/* `kv` against a naive model (kv_model.h): thousands of random operations, and after each the same
 * reply; every now and then the same root, at once or in pieces, the same snapshot, a proof of
 * everything there is and is not. */
#include "tests/property/kv_model.h"

/* ---- what is compared now and then ---- */

static void check_root(void) {
    synod_digest root, expected = model_root(&now);
    app->root(kv, &root);
    assert_true(digest_equal(&root, &expected));
    settled = now;
    settled_root = root;
    rooting = false;
}

static void rooted(void) {
    rooting = false;
    settled = asked;
    settled_root = model_root(&asked);
}

/* Some of the work on a root; the state has changed since it was asked for. */
static void root_on(void) {
    kv_state_t *inside = kv;
    uint32_t items = (uint32_t)prng_below(&prng, pace + 1);
    if (!rooting || !kv_tree_settle_next(&inside->tree, &inside->store, items)) {
        return;
    }
    digest_t root = kv_tree_root(&inside->tree);
    rooted();
    assert_true(digest_equal(&root, &settled_root));
    roots++;
}

/* Asks for a proof; the answer is that of the last root and the proof holds. */
static void check_proof(bytes_t key, const value_t *value) {
    assert_false(rooting);
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

/* A snapshot in pieces, begun right after its root was asked for. */
static size_t kept_bytes;

static void keep_on(size_t most) {
    sink_t sink = {kept_stream + kept_bytes, 0, most};
    synod_writer writer = {collect, &sink, most};
    bool more = true;
    if (!keeping) {
        return;
    }
    if (rooting && prng_chance(&prng, 500000)) {
        return; /* normally its root is waited for, but that is not needed */
    }
    assert_int_equal(app->snapshot_next(kv, &writer, &more), SYNOD_OK);
    kept_bytes += sink.size;
    if (rooting && ((kv_state_t *)kv)->tree.stage == KV_SETTLED) {
        rooted();
    }
    if (more) {
        return;
    }
    app->snapshot_end(kv);
    keeping = false;
    void *other;
    assert_int_equal(app->open(&other), SYNOD_OK);
    assert_int_equal(app->snapshot_load(other, bytes_of(kept_stream, kept_bytes)), SYNOD_OK);
    assert_int_equal(app->snapshot_load(other, bytes_of(NULL, 0)), SYNOD_OK);
    synod_digest root, expected = model_root(&kept);
    app->root(other, &root);
    assert_true(digest_equal(&root, &expected));
    app->close(other);
    snapshots++;
}

static void begin_root(void) {
    app->root_begin(kv);
    asked = now;
    rooting = true;
    pace = prng_chance(&prng, 500000) ? 40 : 2; /* so that keys come and go before they are seen */
    if (!keeping && prng_chance(&prng, 300000)) {
        app->snapshot_begin(kv);
        kept = now;
        kept_bytes = 0;
        keeping = true;
    }
}

/* The state goes on as what was loaded from its snapshot. */
static void check_snapshot(void) {
    while (keeping) {
        keep_on(STREAM_BYTES);
    }
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
    accepted = refused = aborted = proofs = roots = snapshots = 0;
    rooting = keeping = false;
    check_root();
    for (uint32_t i = 0; i < operations; i++) {
        random_operation();
        root_on();
        keep_on(prng_below(&prng, 3000));
        if (prng_below(&prng, 4) == 0 && (!rooting || prng_below(&prng, 50) == 0)) {
            if (rooting) { /* a proof is of the whole */
                rooted();
            }
            uint32_t at = (uint32_t)prng_below(&prng, keys.count);
            check_proof(key_at(at), &settled.values[at]);
        }
        if (prng_below(&prng, root_every / 2) == 0) {
            begin_root();
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
    assert_true(aborted > operations / 50 && proofs > operations / 16);
    assert_true(roots > operations / (4 * root_every) && snapshots > 0);
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
