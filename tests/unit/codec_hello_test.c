/* Hello and goodbye: a difference that matters is named, a role and an index belong together. */
#include "codec_world.h"

static uint8_t encoded[512];

/* The example of docs/formats/wire.md. */
static hello_t example(void) {
    return (hello_t){.domain = filled_digest(0xd0),
                     .epoch = 7,
                     .protocol = 1,
                     .role = ROLE_MEMBER,
                     .member = 2,
                     .parameters = {.view_timeout_ns = 500000000,
                                    .request_patience_ns = UINT64_C(4000000000),
                                    .leader_views = 0,
                                    .execution_horizon = 64,
                                    .payload_bytes_max = 1 << 20},
                     .connection = UINT64_C(0x0102030405060708)};
}

static size_t encode(const hello_t *hello) {
    writer_t writer = writer_of(encoded, sizeof encoded);
    hello_encode(hello, &writer);
    assert_false(writer.failed);
    assert_true(writer.at <= HELLO_BYTES_MAX);
    return writer.at;
}

static synod_status decode(size_t size, hello_t *hello) {
    reader_t reader = reader_of(bytes_of(encoded, size));
    return hello_decode(&reader, hello);
}

static void test_documented_bytes(void **state) {
    (void)state;
    static const uint8_t tail[] = {
        7, 0, 0,    0,    0,    0,    0,    0,    1,    0,    0,    0,    1,    2, 0, 0,
        0, 0, 0x65, 0xcd, 0x1d, 0,    0,    0,    0,    0,    0x28, 0x6b, 0xee, 0, 0, 0,
        0, 0, 0,    0,    0,    0,    0,    0,    0,    0x40, 0,    0,    0,    0, 0, 0,
        0, 0, 0,    0x10, 0,    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01};
    const hello_t hello = example();
    assert_int_equal(encode(&hello), 32 + sizeof tail);
    const digest_t domain = filled_digest(0xd0);
    assert_memory_equal(encoded, domain.bytes, 32);
    assert_memory_equal(encoded + 32, tail, sizeof tail);
}

static void random_hello(prng_t *prng, hello_t *hello) {
    memset(hello, 0, sizeof *hello);
    hello->domain = random_digest(prng);
    hello->epoch = random_number(prng);
    hello->protocol = (uint32_t)random_number(prng);
    hello->role = (role_t)prng_between(prng, ROLE_MEMBER, ROLE_OBSERVER);
    hello->member =
        hello->role == ROLE_MEMBER ? random_member(prng, MEMBERS_MAX, false) : MEMBER_NONE;
    hello->parameters.view_timeout_ns = random_number(prng);
    hello->parameters.request_patience_ns = random_number(prng);
    hello->parameters.leader_views = random_number(prng);
    hello->parameters.execution_horizon = random_number(prng);
    hello->parameters.payload_bytes_max = (uint32_t)random_number(prng);
    hello->connection = random_number(prng);
}

static void test_round_trip(void **state) {
    (void)state;
    prng_t prng = prng_of(1);
    for (int round = 0; round < 1000; round++) {
        hello_t hello, back;
        random_hello(&prng, &hello);
        const size_t size = encode(&hello);
        assert_int_equal(decode(size, &back), SYNOD_OK);
        assert_true(digest_equal(&back.domain, &hello.domain));
        assert_int_equal(back.epoch, hello.epoch);
        assert_int_equal(back.protocol, hello.protocol);
        assert_int_equal(back.role, hello.role);
        assert_int_equal(back.member, hello.member);
        assert_int_equal(back.parameters.view_timeout_ns, hello.parameters.view_timeout_ns);
        assert_int_equal(back.parameters.request_patience_ns, hello.parameters.request_patience_ns);
        assert_int_equal(back.parameters.leader_views, hello.parameters.leader_views);
        assert_int_equal(back.parameters.execution_horizon, hello.parameters.execution_horizon);
        assert_int_equal(back.parameters.payload_bytes_max, hello.parameters.payload_bytes_max);
        assert_int_equal(back.connection, hello.connection);
    }
}

static void test_sweeps(void **state) {
    (void)state;
    const hello_t hello = example();
    size_t size = encode(&hello);
    refuse_prefixes(target_hello, encoded, size);
    refuse_longer(target_hello, encoded, size);
    assert_true(corrupt_bytes(target_hello, encoded, size) > 0); /* role and member */
    const goodbye_t goodbye = {.status = SYNOD_BAD_VERSION, .reason = "version 2"};
    writer_t writer = writer_of(encoded, sizeof encoded);
    goodbye_encode(&goodbye, &writer);
    refuse_prefixes(target_goodbye, encoded, writer.at);
    refuse_longer(target_goodbye, encoded, writer.at);
    assert_true(corrupt_bytes(target_goodbye, encoded, writer.at) > 0);
}

/* attack K5: an index is a member's, and a member has one; which one, the channel says */
static void test_role_and_member(void **state) {
    (void)state;
    static const struct {
        role_t role;
        member_t member;
        synod_status status;
    } cases[] = {{ROLE_MEMBER, 0, SYNOD_OK},
                 {ROLE_MEMBER, MEMBERS_MAX - 1, SYNOD_OK},
                 {ROLE_MEMBER, MEMBERS_MAX, SYNOD_NOT_MEMBER},
                 {ROLE_MEMBER, MEMBER_NONE, SYNOD_NOT_MEMBER},
                 {ROLE_CLIENT, 0, SYNOD_NOT_MEMBER},
                 {ROLE_CLIENT, MEMBER_NONE, SYNOD_OK},
                 {ROLE_OBSERVER, 3, SYNOD_NOT_MEMBER},
                 {ROLE_OBSERVER, MEMBER_NONE, SYNOD_OK},
                 {(role_t)0, MEMBER_NONE, SYNOD_MALFORMED},
                 {(role_t)4, MEMBER_NONE, SYNOD_MALFORMED}};
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        hello_t hello = example();
        const size_t size = encode(&hello);
        encoded[44] = (uint8_t)cases[index].role;
        store_u32(encoded + 45, cases[index].member);
        assert_int_equal(decode(size, &hello), cases[index].status);
    }
}

/* attack K2, K8: chain, protocol, parameters, epoch; the sentence names what differs */
static void test_differences_are_named(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t offset;
        synod_status status;
        bool clients_too;
    } cases[] = {
        {"protocol", offsetof(hello_t, protocol), SYNOD_WRONG_CHAIN, true},
        {"domain", offsetof(hello_t, domain), SYNOD_WRONG_CHAIN, true},
        {"epoch", offsetof(hello_t, epoch), SYNOD_WRONG_EPOCH, false},
        {"view_timeout_ns", offsetof(hello_t, parameters.view_timeout_ns), SYNOD_BAD_CONFIG, false},
        {"request_patience_ns", offsetof(hello_t, parameters.request_patience_ns), SYNOD_BAD_CONFIG,
         false},
        {"leader_views", offsetof(hello_t, parameters.leader_views), SYNOD_BAD_CONFIG, false},
        {"execution_horizon", offsetof(hello_t, parameters.execution_horizon), SYNOD_BAD_CONFIG,
         false},
        {"payload_bytes_max", offsetof(hello_t, parameters.payload_bytes_max), SYNOD_BAD_CONFIG,
         false},
    };
    char reason[160];
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        const hello_t ours = example();
        hello_t theirs = example();
        theirs.connection++;
        theirs.member = 3;
        assert_int_equal(hello_judge(&ours, &theirs, reason, sizeof reason), SYNOD_OK);
        assert_string_equal(reason, "");
        ((uint8_t *)&theirs)[cases[index].offset] ^= 1;
        assert_int_equal(hello_judge(&ours, &theirs, reason, sizeof reason), cases[index].status);
        assert_ptr_equal(strstr(reason, cases[index].name), reason);
        theirs.role = ROLE_OBSERVER;
        theirs.member = MEMBER_NONE;
        assert_int_equal(hello_judge(&ours, &theirs, reason, sizeof reason), cases[index].status);
        theirs.role = ROLE_CLIENT;
        const synod_status of_client = cases[index].clients_too ? cases[index].status : SYNOD_OK;
        assert_int_equal(hello_judge(&ours, &theirs, reason, sizeof reason), of_client);
        assert_int_equal(hello_judge(&theirs, &ours, reason, sizeof reason), of_client);
    }
}

/* attack K8: both values are told, and a parameter before the domain that it changes */
static void test_sentence(void **state) {
    (void)state;
    const hello_t ours = example();
    hello_t theirs = example();
    theirs.domain.bytes[0] = 0x0f;
    char reason[160];
    assert_int_equal(hello_judge(&ours, &theirs, reason, sizeof reason), SYNOD_WRONG_CHAIN);
    assert_string_equal(reason, "domain differs: d0d0d0d0d0d0d0d0... here, 0fd0d0d0d0d0d0d0... "
                                "there (another genesis file)");
    theirs.parameters.execution_horizon = 128;
    assert_int_equal(hello_judge(&ours, &theirs, reason, sizeof reason), SYNOD_BAD_CONFIG);
    assert_string_equal(reason, "execution_horizon differs: 64 here, 128 there");
    for (size_t room = 0; room < sizeof reason; room++) {
        memset(reason, 0x7f, sizeof reason);
        (void)hello_judge(&ours, &theirs, reason, room);
        assert_true(room == 0 || strlen(reason) < room);
        for (size_t at = room; at < sizeof reason; at++)
            assert_int_equal(reason[at], 0x7f);
    }
    memset(reason, 0x7f, sizeof reason);
    assert_int_equal(hello_judge(&ours, &ours, reason, 0), SYNOD_OK);
    assert_int_equal(reason[0], 0x7f);
}

static void test_goodbye(void **state) {
    (void)state;
    goodbye_t goodbye = {.status = SYNOD_TOO_LARGE}, back;
    memset(goodbye.reason, 'x', sizeof goodbye.reason - 1);
    writer_t writer = writer_of(encoded, sizeof encoded);
    goodbye_encode(&goodbye, &writer);
    assert_int_equal(writer.at, GOODBYE_BYTES_MAX);
    reader_t reader = reader_of(writer_bytes(&writer));
    assert_int_equal(goodbye_decode(&reader, &back), SYNOD_OK);
    assert_int_equal(back.status, SYNOD_TOO_LARGE);
    assert_string_equal(back.reason, goodbye.reason);
    /* One character more than there is room for. */
    store_u32(encoded + 2, sizeof goodbye.reason);
    reader = reader_of(bytes_of(encoded, writer.at + 1));
    assert_int_equal(goodbye_decode(&reader, &back), SYNOD_TOO_LARGE);
    store_u32(encoded + 2, UINT32_MAX);
    reader = reader_of(bytes_of(encoded, writer.at));
    assert_int_equal(goodbye_decode(&reader, &back), SYNOD_TOO_LARGE);
    /* An array that is full to the end, without a zero, is cut rather than run over. */
    memset(goodbye.reason, 'y', sizeof goodbye.reason);
    writer = writer_of(encoded, sizeof encoded);
    goodbye_encode(&goodbye, &writer);
    assert_int_equal(writer.at, GOODBYE_BYTES_MAX);
}

/* What a peer says is shown on a terminal: no escape sequence may get there. */
static void test_reason_is_printable(void **state) {
    (void)state;
    for (uint32_t character = 0; character < 256; character++) {
        const uint8_t body[] = {0, 0, 3, 0, 0, 0, 'a', (uint8_t)character, 'c'};
        goodbye_t goodbye;
        reader_t reader = reader_of(bytes_of(body, sizeof body));
        assert_int_equal(goodbye_decode(&reader, &goodbye),
                         character >= 0x20 && character < 0x7f ? SYNOD_OK : SYNOD_MALFORMED);
    }
    const goodbye_t goodbye = {.reason = "a\x1b[2J\nb"};
    writer_t writer = writer_of(encoded, sizeof encoded);
    goodbye_encode(&goodbye, &writer);
    assert_int_equal(writer.at, 6 + 7);
    assert_memory_equal(encoded + 6, "a?[2J?b", 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documented_bytes),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_sweeps),
        cmocka_unit_test(test_role_and_member),
        cmocka_unit_test(test_differences_are_named),
        cmocka_unit_test(test_sentence),
        cmocka_unit_test(test_goodbye),
        cmocka_unit_test(test_reason_is_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
