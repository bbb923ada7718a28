/* Bodies of the sync, checkpoint, query and status frames. */
#include "codec_world.h"

#include <string.h>

#define ROUNDS 500

static uint8_t encoded[8192];

#define SAME(field) assert_int_equal(back.field, record.field)
#define SAME_DIGEST(field) assert_true(digest_equal(&back.field, &record.field))
#define SAME_BYTES(field) assert_true(bytes_equal(back.field, record.field))

/* Encodes `record`, decodes it to `back`; `size` is how large it was. */
#define ROUND_TRIP(name)                                                                           \
    writer_t writer = writer_of(encoded, sizeof encoded);                                          \
    name##_encode(&record, &writer);                                                               \
    assert_false(writer.failed);                                                                   \
    const size_t size = writer.at;                                                                 \
    reader_t reader = reader_of(bytes_of(encoded, size));                                          \
    memset(&back, 0xee, sizeof back);                                                              \
    assert_int_equal(name##_decode(&reader, &back), SYNOD_OK);                                     \
    assert_true(reader_done(&reader))

static void sweep(target_t *target, size_t size) {
    static uint8_t copy[sizeof encoded];
    memcpy(copy, encoded, size);
    refuse_prefixes(target, copy, size);
    refuse_longer(target, copy, size);
    (void)corrupt_bytes(target, copy, size);
}

static void test_block_ask(void **state) {
    (void)state;
    prng_t prng = prng_of(1);
    for (int round = 0; round < ROUNDS; round++) {
        block_ask_t record = {.by_id = prng_chance(&prng, 500000)}, back;
        record.id = record.by_id ? random_digest(&prng) : (digest_t){{0}};
        record.from = record.by_id ? 0 : random_number(&prng);
        record.count = (uint32_t)random_number(&prng) | 1;
        ROUND_TRIP(block_ask);
        assert_int_equal(size, BLOCK_ASK_BYTES);
        SAME(by_id);
        SAME_DIGEST(id);
        SAME(from);
        SAME(count);
        if (round < 2)
            sweep(target_block_ask, size);
    }
    /* The field of the other form is not sent. */
    block_ask_t record = {.by_id = true, .id = filled_digest(1), .from = 9, .count = 1}, back;
    ROUND_TRIP(block_ask);
    assert_int_equal(back.from, 0);
}

static synod_status decode_ask(size_t at, uint8_t value) {
    const block_ask_t ask = {.by_id = false, .from = 100, .count = 16};
    writer_t writer = writer_of(encoded, sizeof encoded);
    block_ask_encode(&ask, &writer);
    encoded[at] = value;
    block_ask_t back;
    reader_t reader = reader_of(writer_bytes(&writer));
    return block_ask_decode(&reader, &back);
}

static void test_block_ask_judges(void **state) {
    (void)state;
    assert_int_equal(decode_ask(0, 0), SYNOD_OK);
    assert_int_equal(decode_ask(0, 1), SYNOD_MALFORMED); /* by id, and a height */
    assert_int_equal(decode_ask(0, 2), SYNOD_MALFORMED); /* no flag */
    assert_int_equal(decode_ask(1, 1), SYNOD_MALFORMED); /* an id, and not by id */
    assert_int_equal(decode_ask(32, 1), SYNOD_MALFORMED);
    assert_int_equal(decode_ask(41, 0), SYNOD_MALFORMED); /* no block at all */
    assert_int_equal(decode_ask(44, 0xff), SYNOD_OK);     /* many: the answerer's choice */
}

static void test_block_answer(void **state) {
    (void)state;
    prng_t prng = prng_of(2);
    uint8_t space[3][300];
    for (int round = 0; round < ROUNDS; round++) {
        block_answer_t record = {.height = random_number(&prng),
                                 .final_height = random_number(&prng),
                                 .block = random_bytes(&prng, space[0], sizeof space[0]),
                                 .proof = random_bytes(&prng, space[1], sizeof space[1]),
                                 .payload = random_bytes(&prng, space[2], sizeof space[2])};
        block_answer_t back;
        ROUND_TRIP(block_answer);
        assert_int_equal(size, block_answer_encoded_bytes(&record));
        SAME(height);
        SAME(final_height);
        SAME_BYTES(block);
        SAME_BYTES(proof);
        SAME_BYTES(payload);
        assert_true(back.block.size == 0 || back.block.data > encoded); /* borrowed */
        if (round < 2)
            sweep(target_block_answer, size);
    }
}

/* attack N1: a length inside of a body is bounded like the frame's */
static void test_inner_lengths(void **state) {
    (void)state;
    static const uint32_t lengths[] = {1, FRAME_BODY_MAX, FRAME_BODY_MAX + 1, INT32_MAX,
                                       UINT32_MAX};
    for (size_t index = 0; index < sizeof lengths / sizeof lengths[0]; index++) {
        const synod_status status =
            lengths[index] > FRAME_BODY_MAX ? SYNOD_TOO_LARGE : SYNOD_TRUNCATED;
        uint8_t answer[28] = {0}, query[13] = {0}, reply[58] = {0};
        for (size_t at = 16; at < sizeof answer; at += 4) {
            memset(answer, 0, sizeof answer);
            store_u32(answer + at, lengths[index]);
            /* At least as much as is left is missing. */
            const size_t size = lengths[index] == 1 ? at + 4 : sizeof answer;
            assert_int_equal(target_exact(target_block_answer, answer, size), status);
        }
        store_u32(query + 9, lengths[index]);
        assert_int_equal(target_exact(target_query, query, sizeof query), status);
        store_u32(reply + 54, lengths[index]);
        assert_int_equal(target_exact(target_query_reply, reply, sizeof reply), status);
    }
}

static void test_checkpoint(void **state) {
    (void)state;
    prng_t prng = prng_of(3);
    for (int round = 0; round < ROUNDS; round++) {
        checkpoint_t record = {.epoch = random_number(&prng),
                               .height = random_number(&prng),
                               .root = random_digest(&prng),
                               .member = random_member(&prng, MEMBERS_MAX, false),
                               .signature = random_signature(&prng)};
        checkpoint_t back;
        ROUND_TRIP(checkpoint);
        assert_int_equal(size, CHECKPOINT_BYTES);
        SAME(epoch);
        SAME(height);
        SAME_DIGEST(root);
        SAME(member);
        assert_memory_equal(&back.signature, &record.signature, sizeof back.signature);
        if (round < 2)
            sweep(target_checkpoint, size);
    }
    checkpoint_t back;
    store_u32(encoded + 48, MEMBERS_MAX);
    reader_t reader = reader_of(bytes_of(encoded, CHECKPOINT_BYTES));
    assert_int_equal(checkpoint_decode(&reader, &back), SYNOD_MALFORMED);
    store_u32(encoded + 48, MEMBER_NONE);
    reader = reader_of(bytes_of(encoded, CHECKPOINT_BYTES));
    assert_int_equal(checkpoint_decode(&reader, &back), SYNOD_MALFORMED);
}

/* attack K2: the tag comes first and no other signed format has it; every field is signed */
static void test_checkpoint_signed_bytes(void **state) {
    (void)state;
    const checkpoint_t checkpoint = {
        .epoch = 7, .height = 0x0102030405060708, .root = filled_digest(0xee), .member = 1};
    const digest_t domain = filled_digest(0xd0);
    uint8_t bytes[CHECKPOINT_SIGNED_BYTES];
    checkpoint_signed_bytes(&checkpoint, &domain, bytes);
    static const uint8_t numbers[] = {7, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1};
    assert_memory_equal(bytes, "synod.checkpoint", 16);
    assert_memory_equal(bytes + 16, domain.bytes, 32);
    assert_memory_equal(bytes + 48, numbers, 16);
    assert_memory_equal(bytes + 64, checkpoint.root.bytes, 32);
    uint8_t request[REQUEST_SIGNED_BYTES], statement_bytes[STATEMENT_BYTES];
    request_signed_bytes(&domain, &domain, request);
    const statement_t statement = {.body = BODY_VOTE};
    statement_encode(&statement, &domain, statement_bytes);
    assert_memory_not_equal(bytes, request, 16);
    assert_memory_not_equal(bytes, statement_bytes, 16);
    assert_memory_not_equal(request, statement_bytes, 16);
}

static void test_query(void **state) {
    (void)state;
    prng_t prng = prng_of(4);
    uint8_t space[300];
    for (int round = 0; round < ROUNDS; round++) {
        query_t record = {.number = random_number(&prng),
                          .prove = prng_chance(&prng, 500000),
                          .query = random_bytes(&prng, space, sizeof space)};
        query_t back;
        ROUND_TRIP(query);
        assert_int_equal(size, query_encoded_bytes(&record));
        SAME(number);
        SAME(prove);
        SAME_BYTES(query);
        if (round < 2)
            sweep(target_query, size);
    }
    for (uint32_t prove = 0; prove < 256; prove++) {
        const uint8_t bytes[13] = {[8] = (uint8_t)prove};
        assert_int_equal(target_exact(target_query, bytes, sizeof bytes),
                         prove <= 1 ? SYNOD_OK : SYNOD_MALFORMED);
    }
}

static void test_query_reply(void **state) {
    (void)state;
    prng_t prng = prng_of(5);
    uint8_t space[2][300];
    for (int round = 0; round < ROUNDS; round++) {
        query_reply_t record = {.number = random_number(&prng),
                                .status = (synod_status)prng_below(&prng, UINT16_MAX + 1),
                                .height = random_number(&prng),
                                .root = random_digest(&prng),
                                .reply = random_bytes(&prng, space[0], sizeof space[0]),
                                .proof = random_bytes(&prng, space[1], sizeof space[1])};
        query_reply_t back;
        ROUND_TRIP(query_reply);
        assert_int_equal(size, query_reply_encoded_bytes(&record));
        SAME(number);
        SAME(status);
        SAME(height);
        SAME_DIGEST(root);
        SAME_BYTES(reply);
        SAME_BYTES(proof);
        if (round < 2)
            sweep(target_query_reply, size);
    }
}

#define NUMBERS(apply)                                                                             \
    apply(view) apply(certified) apply(final) apply(executed) apply(root_height)                   \
        apply(views_failed) apply(requests_executed) apply(operations_executed)                    \
            apply(pending_requests) apply(pending_bytes) apply(sessions) apply(peers_connected)    \
                apply(clients_connected) apply(journal_syncs) apply(journal_bytes)                 \
                    apply(frames_dropped) apply(signatures_bad) apply(sync_failures)               \
                        apply(quota_drops) apply(links_refused) apply(lines_held) apply(uptime_ns) \
                            apply(time_ns) apply(leaders_rotated) apply(view_changed_ns)           \
                                apply(disk_syncs) apply(disk_sync_ns) apply(disk_sync_longest_ns)  \
                                    apply(disk_free_bytes) apply(disk_total_bytes) apply(question)

#define SET_NUMBER(field) record.field = random_number(&prng);
#define SAME_NUMBER(field) SAME(field);

static void test_status_report(void **state) {
    (void)state;
    prng_t prng = prng_of(6);
    for (int round = 0; round < ROUNDS; round++) {
        status_report_t record = {0}, back;
        NUMBERS(SET_NUMBER)
        record.member = random_member(&prng, MEMBERS_MAX, true);
        record.leader = random_member(&prng, MEMBERS_MAX, true);
        record.final_id = random_digest(&prng);
        record.root = random_digest(&prng);
        record.synced = (uint32_t)prng_below(&prng, 2);
        record.mute = (uint32_t)prng_below(&prng, 2);
        ROUND_TRIP(status_report);
        assert_int_equal(size, STATUS_FIXED_BYTES);
        NUMBERS(SAME_NUMBER)
        SAME(member);
        SAME(leader);
        SAME_DIGEST(final_id);
        SAME_DIGEST(root);
        SAME(synced);
        SAME(mute);
        if (round < 2)
            sweep(target_status_report, size);
    }
    encoded[272] = 2; /* synced */
    status_report_t back;
    reader_t reader = reader_of(bytes_of(encoded, STATUS_FIXED_BYTES));
    assert_int_equal(status_report_decode(&reader, &back), SYNOD_MALFORMED);
    store_u32(encoded, MEMBERS_MAX);
    reader = reader_of(bytes_of(encoded, STATUS_FIXED_BYTES));
    assert_int_equal(status_report_decode(&reader, &back), SYNOD_NOT_MEMBER);
}

/* What a member says about others: whole entries, of those that it says something about. */
static void test_status_peers(void **state) {
    (void)state;
    uint8_t entries[3 * STATUS_PEER_BYTES];
    writer_t peers = writer_of(entries, sizeof entries);
    for (uint32_t m = 0; m < 3; m++)
        status_peer_encode(&(status_peer_t){m % 2, m * 1000, m + 7}, &peers);
    assert_true(peers.at == sizeof entries && !peers.failed);
    status_report_t record = {.peers = bytes_of(entries, sizeof entries)}, back;
    ROUND_TRIP(status_report);
    assert_int_equal(size, STATUS_FIXED_BYTES + sizeof entries);
    status_peer_t peer;
    for (uint32_t m = 0; m < 3; m++) {
        assert_true(status_report_peer(&back, m, &peer));
        assert_int_equal(peer.connected, m % 2);
        assert_int_equal(peer.silent_ms, m * 1000);
        assert_int_equal(peer.attested_height, m + 7);
    }
    assert_false(status_report_peer(&back, 3, &peer));
    record.peers.size -= 1;
    writer_t cut = writer_of(encoded, sizeof encoded);
    status_report_encode(&record, &cut);
    reader_t rest = reader_of(writer_bytes(&cut));
    assert_int_equal(status_report_decode(&rest, &back), SYNOD_MALFORMED);
}

/* A writer that is too small latches; it is not run over. */
static void test_small_writers(void **state) {
    (void)state;
    const status_report_t report = {.view = 1};
    for (size_t room = 0; room < STATUS_FIXED_BYTES; room++) {
        uint8_t *exact = test_malloc(room > 0 ? room : 1);
        writer_t writer = writer_of(exact, room);
        status_report_encode(&report, &writer);
        assert_true(writer.failed);
        test_free(exact);
    }
}

static void ask_for_nothing(void) {
    const block_ask_t ask = {.count = 0};
    writer_t writer = writer_of(encoded, sizeof encoded);
    block_ask_encode(&ask, &writer);
}

static void attest_as_nobody(void) {
    const checkpoint_t checkpoint = {.member = MEMBER_NONE};
    writer_t writer = writer_of(encoded, sizeof encoded);
    checkpoint_encode(&checkpoint, &writer);
}

/* What nobody would accept is not sent. */
static void test_own_mistakes_stop(void **state) {
    (void)state;
    assert_true(stops_program(ask_for_nothing));
    assert_true(stops_program(attest_as_nobody));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_block_ask),     cmocka_unit_test(test_block_ask_judges),
        cmocka_unit_test(test_block_answer),  cmocka_unit_test(test_inner_lengths),
        cmocka_unit_test(test_checkpoint),    cmocka_unit_test(test_checkpoint_signed_bytes),
        cmocka_unit_test(test_query),         cmocka_unit_test(test_query_reply),
        cmocka_unit_test(test_status_report), cmocka_unit_test(test_status_peers),
        cmocka_unit_test(test_small_writers), cmocka_unit_test(test_own_mistakes_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
