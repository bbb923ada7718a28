/* Requests: structure, bounds, the rules of sequences and opens, digests, leaves, payloads. */
#include "codec_world.h"

#include "crypto/hash.h"

static uint8_t encoded[REQUEST_BYTES_MAX + 4096];
static sign_secret_t secret;
static signer_t signer;
static const digest_t domain = {{0xd0}};

static int set_up(void **state) {
    (void)state;
    const uint8_t seed[SIGN_SEED_BYTES] = {0x42};
    if (!sign_open())
        return 1;
    signer = signer_ed25519(seed, &secret);
    return 0;
}

/* Writes a request by hand, unjudged and unsigned: the place of each field is the page's. */
static size_t forge(uint64_t session, uint64_t sequence, uint64_t acknowledged, uint32_t count,
                    uint32_t operations, size_t operation_size) {
    writer_t writer = writer_of(encoded, sizeof encoded);
    write_u64(&writer, session);
    write_u64(&writer, sequence);
    write_u64(&writer, acknowledged);
    write_u32(&writer, count);
    for (uint32_t index = 0; index < operations; index++) {
        write_u32(&writer, (uint32_t)operation_size);
        require(writer.size - writer.at >= operation_size);
        memset(encoded + writer.at, (int)index, operation_size);
        writer.at += operation_size;
    }
    const signature_t signature = {{0x99}};
    write_bytes(&writer, signature.bytes, sizeof signature.bytes);
    require(!writer.failed);
    return writer.at;
}

static synod_status decode(size_t size) {
    return target_exact(target_request, encoded, size);
}

static synod_status decode_plain(size_t size) {
    request_t request;
    reader_t reader = reader_of(bytes_of(encoded, size));
    return request_decode(&reader, &request);
}

static size_t make(prng_t *prng, uint32_t operations, request_t *request) {
    writer_t writer = writer_of(encoded, sizeof encoded);
    const uint64_t sequence = 2 + prng_below(prng, 1000);
    request_begin(&writer, 1 + random_number(prng) / 2, sequence, prng_below(prng, sequence));
    for (uint32_t index = 0; index < operations; index++) {
        uint8_t operation[64];
        request_add(&writer, random_bytes(prng, operation, sizeof operation));
    }
    assert_int_equal(request_finish(&writer, 0, &domain, &signer), SYNOD_OK);
    reader_t reader = reader_of(writer_bytes(&writer));
    assert_int_equal(request_decode(&reader, request), SYNOD_OK);
    assert_true(reader_done(&reader));
    return writer.at;
}

/* The example of docs/formats/request.md. */
static void test_documented_bytes(void **state) {
    (void)state;
    static const uint8_t body[] = {5, 0, 0, 0, 0,    0,    0,    0, 2, 0, 0, 0,    0,    0,
                                   0, 0, 1, 0, 0,    0,    0,    0, 0, 0, 2, 0,    0,    0,
                                   3, 0, 0, 0, 0x70, 0x75, 0x74, 3, 0, 0, 0, 0x67, 0x65, 0x74};
    static const uint8_t digest_start[] = {0x20, 0x15, 0xd1, 0x58, 0x42, 0xae, 0x0d, 0xf3};
    static const uint8_t leaf_start[] = {0x89, 0x3e, 0x9e, 0xb0, 0x06, 0x7b, 0x11, 0x50};
    static const uint8_t signature_end[] = {0x42, 0x00, 0x5c, 0x89, 0x95,
                                            0xf0, 0xde, 0xaf, 0xd4, 0x0b};
    uint8_t seed[SIGN_SEED_BYTES];
    memset(seed, 0x42, sizeof seed);
    sign_secret_t example_secret;
    const signer_t example = signer_ed25519(seed, &example_secret);
    const digest_t example_domain = filled_digest(0xd0);
    writer_t writer = writer_of(encoded, sizeof encoded);
    request_begin(&writer, 5, 2, 1);
    request_add(&writer, bytes_of("put", 3));
    request_add(&writer, bytes_of("get", 3));
    assert_int_equal(request_finish(&writer, 0, &example_domain, &example), SYNOD_OK);
    assert_int_equal(writer.at, sizeof body + SYNOD_SIGNATURE_BYTES);
    assert_memory_equal(encoded, body, sizeof body);
    assert_memory_equal(encoded + writer.at - 10, signature_end, 10);
    request_t request;
    reader_t reader = reader_of(writer_bytes(&writer));
    assert_int_equal(request_decode(&reader, &request), SYNOD_OK);
    const digest_t digest = request_digest(&request);
    assert_memory_equal(digest.bytes, digest_start, sizeof digest_start);
    const digest_t leaf = request_leaf(&digest, &request.signature);
    assert_memory_equal(leaf.bytes, leaf_start, sizeof leaf_start);
    static const uint8_t reply_bytes[] = {5, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0,   0,  0, 0,
                                          9, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0,   0,  0, 12,
                                          0, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0, 0, 0, 'n', 'o'};
    const reply_t reply = {.session = 5,
                           .sequence = 2,
                           .height = 9,
                           .leader_hint = 6,
                           .result = bytes_of(reply_bytes + 37, 12)};
    writer = writer_of(encoded, sizeof encoded);
    reply_encode(&reply, &writer);
    assert_int_equal(writer.at, sizeof reply_bytes);
    assert_memory_equal(encoded, reply_bytes, sizeof reply_bytes);
}

static void test_round_trip(void **state) {
    (void)state;
    prng_t prng = prng_of(1);
    static const uint32_t counts[] = {1, 2, 3, 17, 100, REQUEST_OPERATIONS_MAX};
    for (size_t index = 0; index < sizeof counts / sizeof counts[0]; index++) {
        request_t request;
        const size_t size = make(&prng, counts[index], &request);
        assert_int_equal(request.operation_count, counts[index]);
        assert_int_equal(decode(size), SYNOD_OK);
    }
    /* The fields and the operations that went in. */
    writer_t writer = writer_of(encoded, sizeof encoded);
    writer.at = 100; /* not at the front of the buffer */
    request_begin(&writer, 77, UINT64_MAX, UINT64_MAX - 1);
    request_add(&writer, bytes_of("one", 3));
    request_add(&writer, bytes_of(NULL, 0));
    request_add(&writer, bytes_of("three", 5));
    assert_int_equal(request_finish(&writer, 100, &domain, &signer), SYNOD_OK);
    request_t request;
    reader_t reader = reader_of(bytes_of(encoded + 100, writer.at - 100));
    assert_int_equal(request_decode(&reader, &request), SYNOD_OK);
    assert_int_equal(request.session, 77);
    assert_true(request.sequence == UINT64_MAX); /* attack C2: as far as the number goes */
    assert_true(request.acknowledged == UINT64_MAX - 1);
    static const char *const texts[] = {"one", "", "three"};
    size_t at = 0;
    bytes_t operation;
    for (size_t index = 0; index < 3; index++) {
        assert_true(request_operation(&request, &at, &operation));
        assert_true(bytes_equal(operation, bytes_of(texts[index], strlen(texts[index]))));
    }
    assert_false(request_operation(&request, &at, &operation));
}

static void test_sweeps(void **state) {
    (void)state;
    prng_t prng = prng_of(2);
    static uint8_t copy[1024];
    request_t request;
    const size_t size = make(&prng, 4, &request);
    memcpy(copy, encoded, size);
    refuse_prefixes(target_request, copy, size);
    refuse_longer(target_request, copy, size);
    assert_true(corrupt_bytes(target_request, copy, size) > 0);
    assert_int_not_equal(target_exact(target_payload, copy, size - 1), SYNOD_OK);
    (void)corrupt_bytes(target_payload, copy, size);
}

static void test_sequences(void **state) {
    (void)state;
    static const struct {
        uint64_t session, sequence, acknowledged;
        synod_status status;
    } cases[] = {{1, 1, 0, SYNOD_OK},        {UINT64_MAX, UINT64_MAX, UINT64_MAX - 1, SYNOD_OK},
                 {1, 0, 0, SYNOD_MALFORMED}, {1, 1, 1, SYNOD_MALFORMED},
                 {1, 5, 6, SYNOD_MALFORMED}, {1, UINT64_MAX, UINT64_MAX, SYNOD_MALFORMED},
                 {0, 0, 0, SYNOD_OK},        {0, 1, 0, SYNOD_MALFORMED},
                 {0, 0, 1, SYNOD_MALFORMED}};
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        const size_t size = forge(cases[index].session, cases[index].sequence,
                                  cases[index].acknowledged, 1, 1, REQUEST_OPEN_BYTES);
        assert_int_equal(decode(size), cases[index].status);
    }
}

static void test_open(void **state) {
    (void)state;
    assert_int_equal(decode(forge(0, 0, 0, 1, 1, REQUEST_OPEN_BYTES)), SYNOD_OK);
    assert_int_equal(decode(forge(0, 0, 0, 1, 1, REQUEST_OPEN_BYTES - 1)), SYNOD_MALFORMED);
    assert_int_equal(decode(forge(0, 0, 0, 1, 1, REQUEST_OPEN_BYTES + 1)), SYNOD_MALFORMED);
    assert_int_equal(decode(forge(0, 0, 0, 1, 1, 0)), SYNOD_MALFORMED);
    assert_int_equal(decode(forge(0, 0, 0, 2, 2, REQUEST_OPEN_BYTES)), SYNOD_MALFORMED);
    assert_int_equal(decode(forge(0, 0, 0, 2, 2, 18)), SYNOD_MALFORMED); /* 44 bytes in two */
    uint8_t fields[REQUEST_OPEN_BYTES];
    memcpy(fields, signer.key.bytes, SYNOD_KEY_BYTES);
    store_u64(fields + SYNOD_KEY_BYTES, 0x1122334455667788);
    writer_t writer = writer_of(encoded, sizeof encoded);
    request_begin(&writer, 0, 0, 0);
    request_add(&writer, bytes_of(fields, sizeof fields));
    assert_int_equal(request_finish(&writer, 0, &domain, &signer), SYNOD_OK);
    request_t request;
    reader_t reader = reader_of(writer_bytes(&writer));
    assert_int_equal(request_decode(&reader, &request), SYNOD_OK);
    key_public_t key;
    uint64_t nonce;
    request_open_fields(&request, &key, &nonce);
    assert_memory_equal(&key, &signer.key, sizeof key);
    assert_true(nonce == 0x1122334455667788);
}

static void test_counts(void **state) {
    (void)state;
    assert_int_equal(decode(forge(1, 1, 0, 0, 0, 0)), SYNOD_MALFORMED);
    assert_int_equal(decode(forge(1, 1, 0, REQUEST_OPERATIONS_MAX, REQUEST_OPERATIONS_MAX, 3)),
                     SYNOD_OK);
    assert_int_equal(
        decode(forge(1, 1, 0, REQUEST_OPERATIONS_MAX + 1, REQUEST_OPERATIONS_MAX + 1, 3)),
        SYNOD_TOO_LARGE);
    assert_int_equal(decode(forge(1, 1, 0, UINT32_MAX, 1, 3)), SYNOD_TOO_LARGE);
    assert_int_equal(decode(forge(1, 1, 0, 2, 1, 3)), SYNOD_TRUNCATED); /* one fewer than said */
    assert_int_equal(decode(forge(1, 1, 0, 1, 2, 3)), SYNOD_MALFORMED); /* one more: left over */
}

/* attack N1: lengths inside of a request */
static void test_operation_lengths(void **state) {
    (void)state;
    static const uint32_t lengths[] = {4, INT32_MAX, UINT32_C(1) << 31, UINT32_MAX - 3, UINT32_MAX};
    for (size_t index = 0; index < sizeof lengths / sizeof lengths[0]; index++) {
        const size_t size = forge(1, 1, 0, 1, 1, 3);
        store_u32(encoded + REQUEST_HEADER_BYTES, lengths[index]);
        assert_int_equal(decode(size), SYNOD_TRUNCATED);
        /* Where more bytes follow, they are not the request's beyond its bound. */
        assert_int_equal(decode_plain(sizeof encoded),
                         lengths[index] == 4 ? SYNOD_OK : SYNOD_TOO_LARGE);
    }
}

static void test_size_bound(void **state) {
    (void)state;
    const size_t fixed = REQUEST_HEADER_BYTES + 4 + SYNOD_SIGNATURE_BYTES;
    const size_t largest = REQUEST_BYTES_MAX - fixed;
    assert_int_equal(decode_plain(forge(1, 1, 0, 1, 1, largest)), SYNOD_OK);
    assert_int_equal(decode_plain(forge(1, 1, 0, 1, 1, largest + 1)), SYNOD_TOO_LARGE);
    /* The bound is the request's, not the reader's: another one may follow. */
    (void)forge(1, 1, 0, 1, 1, largest);
    assert_int_equal(decode_plain(REQUEST_BYTES_MAX + 100), SYNOD_OK);
}

static void test_finish_judges(void **state) {
    (void)state;
    static uint8_t large[REQUEST_BYTES_MAX + 1];
    writer_t writer = writer_of(encoded, sizeof encoded);
    request_begin(&writer, 1, 1, 0);
    assert_int_equal(request_finish(&writer, 0, &domain, &signer), SYNOD_MALFORMED);
    assert_int_equal(writer.at, 0); /* nothing is left of it */
    request_begin(&writer, 1, 5, 5);
    request_add(&writer, bytes_of("x", 1));
    assert_int_equal(request_finish(&writer, 0, &domain, &signer), SYNOD_MALFORMED);
    request_begin(&writer, 1, 1, 0);
    for (uint32_t index = 0; index <= REQUEST_OPERATIONS_MAX; index++)
        request_add(&writer, bytes_of("x", 1));
    assert_int_equal(request_finish(&writer, 0, &domain, &signer), SYNOD_TOO_LARGE);
    request_begin(&writer, 1, 1, 0);
    request_add(&writer, bytes_of(large, REQUEST_BYTES_MAX - 10));
    assert_int_equal(request_finish(&writer, 0, &domain, &signer), SYNOD_TOO_LARGE);
    request_begin(&writer, 1, 1, 0);
    request_add(&writer, bytes_of(large, sizeof large));
    assert_true(writer.failed);
    assert_int_equal(request_finish(&writer, 0, &domain, &signer), SYNOD_TOO_LARGE);
    /* A buffer that is too small anywhere, for the signature at last. */
    for (size_t room = 0; room < REQUEST_HEADER_BYTES + 5 + SYNOD_SIGNATURE_BYTES; room++) {
        uint8_t *exact = test_malloc(room > 0 ? room : 1);
        writer = writer_of(exact, room);
        request_begin(&writer, 1, 1, 0);
        request_add(&writer, bytes_of("x", 1));
        assert_int_equal(request_finish(&writer, 0, &domain, &signer), SYNOD_TOO_LARGE);
        test_free(exact);
    }
}

/* attack K2: signed for one chain, with a tag of its own, over all of the body */
static void test_signature_covers_all(void **state) {
    (void)state;
    prng_t prng = prng_of(3);
    request_t request;
    (void)make(&prng, 2, &request);
    const verifier_t verifier = verifier_ed25519();
    uint8_t message[REQUEST_SIGNED_BYTES];
    const digest_t digest = request_digest(&request);
    request_signed_bytes(&domain, &digest, message);
    assert_memory_equal(message, "synod.request.v1", 16);
    assert_memory_equal(message + 16, domain.bytes, 32);
    assert_memory_equal(message + 48, digest.bytes, 32);
    assert_int_equal(verifier.verify(verifier.context, &signer.key,
                                     bytes_of(message, sizeof message), &request.signature),
                     SYNOD_OK);
    const digest_t other = filled_digest(0xd1);
    request_signed_bytes(&other, &digest, message);
    assert_int_equal(verifier.verify(verifier.context, &signer.key,
                                     bytes_of(message, sizeof message), &request.signature),
                     SYNOD_BAD_SIGNATURE);
    for (size_t at = 0; at < request.body.size; at++) {
        encoded[at] ^= 1;
        const digest_t changed = request_digest(&request);
        assert_false(digest_equal(&changed, &digest));
        encoded[at] ^= 1;
    }
}

static void test_payload_walk(void **state) {
    (void)state;
    prng_t prng = prng_of(4);
    static uint8_t payload[20000];
    request_t requests[10], one;
    size_t size = 0, ends[10];
    for (uint32_t index = 0; index < 10; index++) {
        const size_t piece = make(&prng, 1 + index, &one);
        memcpy(payload + size, encoded, piece);
        size += piece;
        ends[index] = size;
    }
    uint32_t count;
    assert_int_equal(payload_walk(bytes_of(payload, size), requests, 10, &count), SYNOD_OK);
    assert_int_equal(count, 10);
    for (uint32_t index = 0; index < 10; index++)
        assert_int_equal(requests[index].operation_count, 1 + index);
    assert_int_equal(payload_walk(bytes_of(payload, size), requests, 9, &count), SYNOD_TOO_LARGE);
    assert_int_equal(count, 9);
    assert_int_equal(payload_walk(bytes_of(payload, 0), requests, 0, &count), SYNOD_OK);
    assert_int_equal(count, 0);
    assert_int_equal(payload_walk(bytes_of(NULL, 0), requests, 0, &count), SYNOD_OK);
    /* Only at the end of a request may it end. */
    for (size_t cut = 0, whole = 0; cut < size; cut++) {
        whole += cut == ends[whole] ? 1 : 0;
        const bool at_end = cut == 0 || (whole > 0 && cut == ends[whole - 1]);
        assert_int_equal(payload_walk(bytes_of(payload, cut), requests, 10, &count),
                         at_end ? SYNOD_OK : SYNOD_TRUNCATED);
        assert_int_equal(count, whole);
    }
}

static void test_payload_root(void **state) {
    (void)state;
    prng_t prng = prng_of(5);
    static uint8_t space[3][4096];
    request_t requests[3];
    digest_t digests[3], leaves[3], scratch[3];
    for (uint32_t index = 0; index < 3; index++) {
        const size_t size = make(&prng, 3, &requests[index]);
        memcpy(space[index], encoded, size);
        reader_t reader = reader_of(bytes_of(space[index], size));
        assert_int_equal(request_decode(&reader, &requests[index]), SYNOD_OK);
        digests[index] = request_digest(&requests[index]);
        uint8_t leaf[1 + 32 + 64] = {0}; /* by hand, as the page says */
        memcpy(leaf + 1, digests[index].bytes, 32);
        memcpy(leaf + 33, requests[index].signature.bytes, 64);
        leaves[index] = hash_bytes(bytes_of(leaf, sizeof leaf));
    }
    digest_t root = payload_root(requests, digests, 0, scratch);
    assert_true(digest_is_zero(&root));
    root = payload_root(requests, digests, 1, scratch);
    assert_true(digest_equal(&root, &leaves[0]));
    root = payload_root(requests, digests, 3, scratch);
    const digest_t left = hash_node(&leaves[0], &leaves[1]);
    const digest_t by_hand = hash_node(&left, &leaves[2]);
    assert_true(digest_equal(&root, &by_hand));
    /* Two requests exchanged, or one signed anew, are another payload. */
    requests[1].signature.bytes[0] ^= 1;
    root = payload_root(requests, digests, 3, scratch);
    assert_false(digest_equal(&root, &by_hand));
}

/* attack K2, N3: for one chain, one replica, one link; with a tag of its own */
static void test_attach(void **state) {
    (void)state;
    attach_t attach = {.key = signer.key, .signature = {{0x77}}}, back;
    writer_t writer = writer_of(encoded, sizeof encoded);
    attach_encode(&attach, &writer);
    assert_int_equal(writer.at, ATTACH_BYTES);
    reader_t reader = reader_of(writer_bytes(&writer));
    assert_int_equal(attach_decode(&reader, &back), SYNOD_OK);
    assert_memory_equal(&back, &attach, sizeof back);
    refuse_prefixes(target_attach, encoded, ATTACH_BYTES);
    refuse_longer(target_attach, encoded, ATTACH_BYTES);
    uint8_t bytes[ATTACH_SIGNED_BYTES];
    static const uint8_t numbers[] = {3, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1};
    attach_signed_bytes(&domain, 3, 0x0102030405060708, &signer.key, bytes);
    assert_memory_equal(bytes, "synod.attach.v01", 16);
    assert_memory_equal(bytes + 16, domain.bytes, 32);
    assert_memory_equal(bytes + 48, numbers, 16);
    assert_memory_equal(bytes + 64, signer.key.bytes, 32);
}

static void test_reply(void **state) {
    (void)state;
    prng_t prng = prng_of(6);
    uint8_t space[100];
    for (int round = 0; round < 500; round++) {
        const reply_t reply = {.session = random_number(&prng),
                               .sequence = random_number(&prng),
                               .status = (synod_status)prng_below(&prng, 6),
                               .height = random_number(&prng),
                               .leader_hint = random_number(&prng),
                               .result = random_bytes(&prng, space, sizeof space)};
        writer_t writer = writer_of(encoded, sizeof encoded);
        reply_encode(&reply, &writer);
        assert_int_equal(writer.at, reply_encoded_bytes(&reply));
        reply_t back;
        reader_t reader = reader_of(writer_bytes(&writer));
        assert_int_equal(reply_decode(&reader, &back), SYNOD_OK);
        assert_int_equal(back.session, reply.session);
        assert_int_equal(back.sequence, reply.sequence);
        assert_int_equal(back.status, reply.status);
        assert_int_equal(back.height, reply.height);
        assert_int_equal(back.leader_hint, reply.leader_hint);
        assert_true(bytes_equal(back.result, reply.result));
        if (round < 3) {
            static uint8_t copy[256];
            memcpy(copy, encoded, writer.at);
            refuse_prefixes(target_reply, copy, writer.at);
            refuse_longer(target_reply, copy, writer.at);
            assert_true(corrupt_bytes(target_reply, copy, writer.at) > 0);
        }
    }
    for (uint32_t status = 0; status < 256; status++) {
        uint8_t bytes[37] = {[16] = (uint8_t)status};
        assert_int_equal(target_exact(target_reply, bytes, sizeof bytes),
                         status <= SYNOD_APP_ERROR ? SYNOD_OK : SYNOD_MALFORMED);
    }
}

static void test_reply_operations(void **state) {
    (void)state;
    static const uint8_t result[] = {0, 0, 0, 0, 0, 5, 2, 0, 0, 0, 'n', 'o'};
    const reply_t reply = {.result = bytes_of(result, sizeof result)};
    size_t at = 0;
    synod_status status;
    bytes_t bytes;
    assert_true(reply_operation(&reply, &at, &status, &bytes));
    assert_int_equal(status, SYNOD_OK);
    assert_int_equal(bytes.size, 0);
    assert_true(reply_operation(&reply, &at, &status, &bytes));
    assert_int_equal(status, SYNOD_APP_ERROR);
    assert_true(bytes_equal(bytes, bytes_of("no", 2)));
    assert_false(reply_operation(&reply, &at, &status, &bytes));
    assert_int_equal(at, sizeof result);
    /* A cut result ends early, and that can be seen. */
    for (size_t cut = 1; cut < sizeof result; cut++)
        assert_int_equal(target_exact(target_reply_walk, result, cut),
                         cut == 5 ? SYNOD_OK : SYNOD_MALFORMED);
    static const uint8_t huge[] = {0, 0xff, 0xff, 0xff, 0xff, 1, 2};
    assert_int_equal(target_exact(target_reply_walk, huge, sizeof huge), SYNOD_MALFORMED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documented_bytes),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_sweeps),
        cmocka_unit_test(test_sequences),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_operation_lengths),
        cmocka_unit_test(test_size_bound),
        cmocka_unit_test(test_finish_judges),
        cmocka_unit_test(test_signature_covers_all),
        cmocka_unit_test(test_payload_walk),
        cmocka_unit_test(test_payload_root),
        cmocka_unit_test(test_attach),
        cmocka_unit_test(test_reply),
        cmocka_unit_test(test_reply_operations),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
