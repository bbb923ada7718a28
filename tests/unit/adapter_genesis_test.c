/* The genesis is judged like a message of a stranger (attacks K4, X19), and named by its canonical
 * form alone. */
#include "adapter_world.h"

#include "adapter/genesis.h"
#include "adapter/genesis_table.h"
#include "adapter/hex.h"
#include "adapter/node_key.h"
#include "crypto/hash.h"

#define MEMBERS 4

static genesis_t made, back;
static char *good_text; /* of a genesis with four members */

/* A text with one place replaced. Freed by the next call. */
static const char *with(const char *old, const char *new) {
    static char *text;
    const char *at = strstr(good_text, old);
    assert_non_null(at);
    free(text);
    text = malloc(strlen(good_text) + strlen(new) + 1);
    assert_non_null(text);
    memcpy(text, good_text, (size_t)(at - good_text));
    strcpy(text + (at - good_text), new);
    strcat(text, at + strlen(old));
    return text;
}

static synod_status parse(const char *text) {
    genesis_free(&back);
    return genesis_parse("g.json", text, strlen(text), &back, &world_reason);
}

#define assert_refused(text, status, part)                                                         \
    do {                                                                                           \
        assert_int_equal(parse(text), status);                                                     \
        assert_reason("g.json");                                                                   \
        assert_reason(part);                                                                       \
        assert_null(back.members);                                                                 \
    } while (0)

static void make_member(uint32_t index) {
    genesis_member_t *member = &made.members[index];
    node_key_t key;
    memset(&key, (int)(index + 1), sizeof key);
    (void)snprintf(member->name.text, sizeof member->name.text, "node%u", index);
    (void)snprintf(member->address.host, sizeof member->address.host, "10.0.0.%u", index);
    member->address.port = 7100;
    member->weight = 1;
    assert_int_equal(node_key_public(&key, &member->key, &member->tls_key), SYNOD_OK);
}

static int open_all(void **state) {
    if (world_open(state) != 0) {
        return -1;
    }
    made = (genesis_t){.chain = {"test"}, .protocol = {"hotstuff"}, .app = {"kv"}};
    made.time_ns = UINT64_C(1735689600000000000); /* 2025-01-01 */
    made.member_count = MEMBERS;
    made.members = calloc(MEMBERS, sizeof *made.members);
    for (uint32_t index = 0; index < MEMBERS; index++) {
        make_member(index);
    }
    if (genesis_judge("made", &made, &world_reason) != SYNOD_OK ||
        genesis_write(world_path("genesis.json"), &made, &world_reason) != SYNOD_OK) {
        return -1;
    }
    good_text = strdup(world_get(world_path("genesis.json"), NULL));
    return good_text != NULL ? 0 : -1;
}

static int close_all(void **state) {
    genesis_free(&made);
    genesis_free(&back);
    free(good_text);
    return world_close(state);
}

/* ---- good ones ---- */

static void test_round_trip(void **state) {
    (void)state;
    assert_int_equal(genesis_read(world_path("genesis.json"), &back, &world_reason), SYNOD_OK);
    assert_string_equal(back.chain.text, "test");
    assert_string_equal(back.app.text, "kv");
    assert_int_equal(back.time_ns, made.time_ns);
    assert_int_equal(back.member_count, MEMBERS);
    assert_memory_equal(&back.parameters, &made.parameters, sizeof made.parameters);
    assert_string_equal(back.members[3].address.host, "10.0.0.3");
    assert_true(digest_equal(&back.domain, &made.domain));
    assert_true(digest_equal(&back.anchor, &made.anchor));
    assert_int_equal(back.parameters.core.view_timeout_ns, 500000000);
    genesis_free(&back);
    assert_int_equal(genesis_write(world_path("genesis.json"), &made, &world_reason), SYNOD_IN_USE);
}

/* White space, order of fields, absent defaults, capitals in keys, addresses: the same chain. */
static void test_same_chain(void **state) {
    (void)state;
    assert_int_equal(parse(with("\"view_timeout_ns\":\t500000000,", "")), SYNOD_OK);
    assert_true(digest_equal(&back.domain, &made.domain));
    assert_int_equal(parse(with("500000000", " 0 ")), SYNOD_OK);
    assert_true(digest_equal(&back.domain, &made.domain));
    assert_int_equal(parse(with("10.0.0.2:7100", "somewhere.else:99")), SYNOD_OK);
    assert_true(digest_equal(&back.domain, &made.domain));
    assert_int_equal(parse(with("\"weight\":\t1", "\"weight\": 1.0e0 ")), SYNOD_OK);
    assert_true(digest_equal(&back.domain, &made.domain));
}

static void test_another_chain(void **state) {
    (void)state;
    const char *const changes[][2] = {
        {"\"test\"", "\"Test\""},
        {"\"kv\"", "\"null\""},
        {"2025-01-01T", "2025-01-02T"},
        {"500000000", "500000001"},
        {"\"node2\"", "\"node9\""},
        {"\"weight\":\t1", "\"weight\": 2"},
        {"\"checkpoint_blocks\":\t256", "\"checkpoint_blocks\": 255"},
        {"\"leader_views\":\t0", "\"leader_views\": 1"},
        {"\"state_bytes_max\":\t4294967296", "\"state_bytes_max\": 4096"}};
    for (size_t at = 0; at < sizeof changes / sizeof changes[0]; at++) {
        assert_int_equal(parse(with(changes[at][0], changes[at][1])), SYNOD_OK);
        assert_false(digest_equal(&back.domain, &made.domain));
        assert_false(digest_equal(&back.anchor, &made.anchor));
    }
}

/* docs/formats/home.md, byte by byte. */
static void test_canonical_form(void **state) {
    (void)state;
    size_t size = 0, at = 0;
    uint8_t *bytes = genesis_encode(&made, &size);
    assert_int_equal(size,
                     16 + (4 + 4) + 4 + (4 + 2) + 8 + 14 * 8 + 4 + MEMBERS * (4 + 5 + 32 + 33 + 8));
    assert_memory_equal(bytes, "synod.genesis.v3\4\0\0\0test", at = 24);
    assert_int_equal(load_u32(bytes + at), made.protocol_id);
    assert_memory_equal(bytes + at + 4, "\2\0\0\0kv", 6);
    assert_int_equal(load_u64(bytes + at + 10), made.time_ns);
    at += 18;
    for (size_t row = 0; row < genesis_row_count; row++, at += 8) {
        assert_int_equal(load_u64(bytes + at),
                         genesis_row_get(&genesis_rows[row], &made.parameters));
    }
    assert_int_equal(load_u32(bytes + at), MEMBERS);
    assert_memory_equal(bytes + at + 4, "\5\0\0\0node0", 9);
    assert_memory_equal(bytes + at + 13, made.members[0].key.bytes, 32);
    assert_memory_equal(bytes + at + 45, made.members[0].tls_key.bytes, 33);
    assert_int_equal(load_u64(bytes + at + 78), 1);
    digest_t domain = hash_bytes(bytes_of(bytes, size));
    free(bytes);
    assert_true(digest_equal(&domain, &made.domain));
    uint8_t tagged[48] = "synod.anchor.v1";
    memcpy(tagged + 16, domain.bytes, 32);
    digest_t anchor = hash_bytes(bytes_of(tagged, sizeof tagged));
    assert_true(digest_equal(&anchor, &made.anchor));
}

static void test_committee(void **state) {
    (void)state;
    member_info_t infos[MEMBERS];
    committee_t committee;
    verifier_t verifier = verifier_ed25519();
    genesis_committee(&made, infos, &verifier, &committee);
    assert_int_equal(committee.size, MEMBERS);
    assert_int_equal(committee.faults, 1);
    assert_true(digest_equal(&committee.domain, &made.domain));
    assert_int_equal(committee_find(&committee, &made.members[2].key), 2);
}

/* ---- bad ones ---- */

static void test_no_json(void **state) {
    (void)state;
    assert_refused("", SYNOD_MALFORMED, "line 1");
    assert_refused("{\n\n\"version\": 3,\n}", SYNOD_MALFORMED, "line 4");
    assert_refused("{} {}", SYNOD_MALFORMED, "JSON");
    assert_refused("[]", SYNOD_BAD_CONFIG, "should be an object");
    assert_refused("7", SYNOD_BAD_CONFIG, "should be an object");
    char deep[3000];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    assert_refused(deep, SYNOD_MALFORMED, "JSON");
    char more[1 << 14]; /* what follows a zero is not overlooked */
    (void)snprintf(more, sizeof more, "%s%c{", good_text, '\0');
    assert_int_equal(genesis_parse("g.json", more, strlen(more) + 2, &back, &world_reason),
                     SYNOD_MALFORMED);
    for (size_t size = 0; size + 2 < strlen(good_text); size += 7) {
        genesis_free(&back);
        assert_int_not_equal(genesis_parse("g.json", good_text, size, &back, &world_reason),
                             SYNOD_OK);
    }
}

static void test_fields(void **state) {
    (void)state;
    assert_refused("{\"version\": 2, \"new\": 1}", SYNOD_BAD_VERSION, "version 2");
    assert_refused(with("\"chain\"", "\"chian\""), SYNOD_BAD_CONFIG, "chian is no field");
    assert_refused(with("\"leader_views\"", "\"leaderviews\""), SYNOD_BAD_CONFIG,
                   "parameters.leaderviews");
    assert_refused(with("\"weight\"", "\"wieght\""), SYNOD_BAD_CONFIG, "members[0].wieght");
    assert_refused(with("\"chain\"", "\"app\": \"kv\", \"chain\""), SYNOD_BAD_CONFIG,
                   "app stands there twice");
    assert_refused(with("\"leader_views\"", "\"clock_drift_ns\": 1, \"leader_views\""),
                   SYNOD_BAD_CONFIG, "clock_drift_ns stands there twice");
    assert_refused(with("\"chain\":\t\"test\",", ""), SYNOD_BAD_CONFIG, "chain is missing");
    assert_refused(with("\"test\"", "7"), SYNOD_BAD_CONFIG, "chain should be a text");
    assert_refused(with("\"test\"", "\"a b\""), SYNOD_BAD_CONFIG, "chain should be a name");
    assert_refused(with("\"test\"", "\"\""), SYNOD_BAD_CONFIG, "chain should be a name");
    assert_refused(with("\"hotstuff\"", "\"paxos\""), SYNOD_UNSUPPORTED, "'paxos'");
    assert_refused(with("\"inline\"", "\"outline\""), SYNOD_BAD_CONFIG, "inline or certified");
    assert_refused(with("\"inline\"", "2"), SYNOD_BAD_CONFIG, "payload_strategy should be a text");
    assert_int_equal(parse(with("\"inline\"", "\"certified\"")), SYNOD_OK);
    assert_refused(with("2025-01-01T00:00:00Z", "yesterday"), SYNOD_BAD_CONFIG, "time should be");
}

static void test_numbers(void **state) {
    (void)state;
    const char *const bad[] = {"-1", "0.5", "1e300", "9007199254740994", "\"500\"", "null", "{}"};
    for (size_t at = 0; at < sizeof bad / sizeof bad[0]; at++) {
        assert_refused(with("500000000", bad[at]), SYNOD_BAD_CONFIG,
                       "parameters.view_timeout_ns should be a whole number");
    }
    assert_refused(with("500000000", "999999"), SYNOD_BAD_CONFIG, "possible are 1000000 to");
    assert_refused(with("\"sessions_max\":\t1024", "\"sessions_max\": 4294967296"),
                   SYNOD_BAD_CONFIG, "above 4294967295");
    assert_refused(with("\"session_window\":\t1024", "\"session_window\": 1000"), SYNOD_BAD_CONFIG,
                   "no power of two");
    assert_refused(with("\"payload_bytes_max\":\t1048576", "\"payload_bytes_max\": 2097153"),
                   SYNOD_BAD_CONFIG, "payload_bytes_max");
    assert_int_equal(parse(with("500000000", "3600000000000")), SYNOD_OK);
}

/* attack K4: nobody, somebody twice, weights that do not count or count too much. */
static void test_members(void **state) {
    (void)state;
    char key[2][2 * TLS_KEY_BYTES + 1];
    assert_refused(
        "{\"version\": 3, \"chain\": \"c\", \"protocol\": \"hotstuff\", \"app\": \"kv\", "
        "\"time\": \"2025-01-01T00:00:00Z\", \"members\": []}",
        SYNOD_BAD_CONFIG, "members should list");
    assert_refused(
        "{\"version\": 3, \"chain\": \"c\", \"protocol\": \"hotstuff\", \"app\": \"kv\", "
        "\"time\": \"2025-01-01T00:00:00Z\"}",
        SYNOD_BAD_CONFIG, "members is missing");
    assert_refused(with("\"node2\"", "\"node1\""), SYNOD_DUPLICATE, "same name");
    assert_refused(with("10.0.0.2:", "10.0.0.1:"), SYNOD_DUPLICATE,
                   "members[1] and members[2] have the same address");
    hex_encode(made.members[1].key.bytes, 32, key[0]);
    hex_encode(made.members[3].key.bytes, 32, key[1]);
    assert_refused(with(key[1], key[0]), SYNOD_DUPLICATE, "members[3].key");
    hex_encode(made.members[1].tls_key.bytes, TLS_KEY_BYTES, key[0]);
    hex_encode(made.members[3].tls_key.bytes, TLS_KEY_BYTES, key[1]);
    assert_refused(with(key[1], key[0]), SYNOD_DUPLICATE, "same tls_key");
    assert_refused(with("\"weight\":\t1", "\"weight\": 0"), SYNOD_MALFORMED, "members[0].weight");
    assert_refused(with("\"weight\":\t1", "\"weight\": 4294967293"), SYNOD_MALFORMED, "weight");
    assert_int_equal(parse(with("\"weight\":\t1", "\"weight\": 4294967292")), SYNOD_OK);
    assert_refused(with("\"weight\":\t1", "\"weight\": 9007199254740992"), SYNOD_MALFORMED,
                   "weight");
    assert_refused(with("10.0.0.2:7100", "10.0.0.2"), SYNOD_BAD_CONFIG, "members[2].address");
    assert_refused(with("10.0.0.2:7100", "10.0.0.2:0"), SYNOD_BAD_CONFIG, "members[2].address");
}

/* attack X19: keys by which nobody can be told. */
static void test_weak_keys(void **state) {
    (void)state;
    char key[2 * TLS_KEY_BYTES + 1], other[2 * TLS_KEY_BYTES + 1];
    uint8_t identity[32] = {1}, no_point[TLS_KEY_BYTES] = {2};
    hex_encode(made.members[2].key.bytes, 32, key);
    hex_encode(identity, 32, other);
    assert_refused(with(key, other), SYNOD_BAD_KEY, "members[2].key");
    memset(identity, 0, sizeof identity);
    hex_encode(identity, 32, other);
    assert_refused(with(key, other), SYNOD_BAD_KEY, "members[2].key");
    memset(identity, 0xff, sizeof identity); /* not canonical */
    hex_encode(identity, 32, other);
    assert_refused(with(key, other), SYNOD_BAD_KEY, "members[2].key");
    other[63] = 'g';
    assert_refused(with(key, other), SYNOD_BAD_CONFIG, "members[2].key should be a key");
    other[62] = '\0';
    assert_refused(with(key, other), SYNOD_BAD_CONFIG, "64 hexadecimal digits");
    hex_encode(made.members[1].tls_key.bytes, TLS_KEY_BYTES, key);
    no_point[TLS_KEY_BYTES - 1] = 1;
    hex_encode(no_point, TLS_KEY_BYTES, other);
    assert_refused(with(key, other), SYNOD_BAD_KEY, "members[1].tls_key is no point");
}

static void test_dates(void **state) {
    (void)state;
    const struct {
        const char *text;
        uint64_t seconds;
    } good[] = {{"1970-01-01T00:00:00Z", 0},
                {"2000-02-29T23:59:59Z", 951868799},
                {"2100-03-01T00:00:00Z", UINT64_C(4107542400)},
                {"2500-12-31T23:59:59Z", UINT64_C(16756761599)}};
    const char *const bad[] = {"1969-12-31T23:59:59Z", "2501-01-01T00:00:00Z",
                               "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z",
                               "2025-00-01T00:00:00Z", "2025-01-00T00:00:00Z",
                               "2025-01-01T24:00:00Z", "2025-01-01T00:60:00Z",
                               "2025-01-01T00:00:60Z", "2025-01-01 00:00:00Z",
                               "2025-01-01T00:00:00",  "2025-01-01T00:00:00Z ",
                               "2025-1-01T00:00:00Z",  ""};
    char text[GENESIS_TIME_TEXT_MAX];
    uint64_t time_ns = 0;
    for (size_t at = 0; at < sizeof good / sizeof good[0]; at++) {
        assert_true(genesis_time_parse(good[at].text, &time_ns));
        assert_int_equal(time_ns, good[at].seconds * UINT64_C(1000000000));
        genesis_time_print(time_ns, text);
        assert_string_equal(text, good[at].text);
    }
    for (size_t at = 0; at < sizeof bad / sizeof bad[0]; at++) {
        assert_false(genesis_time_parse(bad[at], &time_ns));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_same_chain),
        cmocka_unit_test(test_another_chain), cmocka_unit_test(test_canonical_form),
        cmocka_unit_test(test_committee),     cmocka_unit_test(test_no_json),
        cmocka_unit_test(test_fields),        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_members),       cmocka_unit_test(test_weak_keys),
        cmocka_unit_test(test_dates),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
