/* Batches and references to them (docs/protocols/payload.md): bounds of every number, one encoding
 * each, and certificates that do not fit their bitmap (attack N1). */
#include "tests/unit/codec_world.h"

#include "codec/batch_codec.h"

/* The last byte of the bitmap has four bits that nobody has. */
#define SIZE 12
#define SIGNERS 3

static uint8_t bitmap[2] = {0x05, 0x08};
static uint8_t signatures[SIGNERS * SYNOD_SIGNATURE_BYTES];
static uint8_t room[4096];

/* Where its parts begin. */
enum { AT_AUTHOR = 0, AT_FIRST = 4, AT_COUNT = 12, AT_ENTRIES = 16 };

static batch_reference_t reference_of(uint32_t count) {
    batch_reference_t reference = {.author = SIZE - 1,
                                   .first = UINT64_MAX >> 2,
                                   .count = count,
                                   .signers = bytes_of(bitmap, sizeof bitmap),
                                   .signatures = bytes_of(signatures, sizeof signatures)};
    for (uint32_t i = 0; i < count; i++)
        reference.entries[i] =
            (batch_entry_t){.size_bytes = 100 + i, .requests = 1 + i, .content = {{1}}};
    return reference;
}

static size_t encode(const batch_reference_t *reference) {
    writer_t writer = writer_of(room, sizeof room);
    batch_reference_encode(reference, &writer);
    assert_false(writer.failed);
    assert_int_equal(writer.at, batch_reference_bytes(reference));
    return writer.at;
}

/* Of memory of exactly this size. */
static synod_status decode(size_t size, size_t *used) {
    uint8_t *exact = test_malloc(size > 0 ? size : 1);
    memcpy(exact, room, size);
    batch_reference_t reference;
    reader_t reader = reader_of(bytes_of(exact, size));
    synod_status status = batch_reference_decode(&reader, SIZE, &reference);
    *used = size - reader_left(&reader);
    test_free(exact);
    return status;
}

static void test_reference_cut_anywhere(void **state) {
    (void)state;
    size_t used;
    for (uint32_t count = 1; count <= LANE_WINDOW; count += LANE_WINDOW - 1) {
        batch_reference_t reference = reference_of(count);
        size_t size = encode(&reference);
        for (size_t cut = 0; cut < size; cut++)
            assert_int_equal(decode(cut, &used), SYNOD_TRUNCATED);
        assert_int_equal(decode(size, &used), SYNOD_OK);
        assert_int_equal(decode(size + 9, &used), SYNOD_OK); /* the next one follows */
        assert_int_equal(used, size);
    }
}

static void test_reference_bounds(void **state) {
    (void)state;
    const struct {
        size_t at, size;
        uint64_t value;
        synod_status status;
    } cases[] = {
        {AT_AUTHOR, 4, SIZE, SYNOD_NOT_MEMBER},
        {AT_AUTHOR, 4, UINT32_MAX, SYNOD_NOT_MEMBER},
        {AT_FIRST, 8, 0, SYNOD_MALFORMED},
        {AT_FIRST, 8, (UINT64_MAX >> 2) + 1, SYNOD_MALFORMED},
        {AT_COUNT, 4, 0, SYNOD_MALFORMED},
        {AT_COUNT, 4, LANE_WINDOW + 1, SYNOD_MALFORMED},
        {AT_COUNT, 4, UINT32_MAX, SYNOD_MALFORMED},
        {AT_ENTRIES, 4, 0, SYNOD_MALFORMED}, /* no bytes */
        {AT_ENTRIES, 4, (FRAME_BODY_MAX >> 2) + 1, SYNOD_MALFORMED},
        {AT_ENTRIES, 4, FRAME_BODY_MAX >> 2, SYNOD_OK},
        {AT_ENTRIES + 4, 4, 0, SYNOD_MALFORMED},   /* no requests */
        {AT_ENTRIES + 4, 4, 101, SYNOD_MALFORMED}, /* more than bytes */
        {AT_ENTRIES + 4, 4, 100, SYNOD_OK},
        {AT_ENTRIES + BATCH_ENTRY_BYTES + 1, 1, 0x18, SYNOD_MALFORMED}, /* of nobody */
    };
    batch_reference_t reference = reference_of(1);
    size_t used, size = encode(&reference);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)encode(&reference);
        for (size_t b = 0; b < cases[i].size; b++)
            room[cases[i].at + b] = (uint8_t)(cases[i].value >> 8 * b);
        if (decode(size, &used) != cases[i].status)
            fail_msg("case %zu: %s", i, synod_status_text(decode(size, &used)));
    }
}

/* The last of several entries is looked at as the first is. */
static void test_reference_entries(void **state) {
    (void)state;
    batch_reference_t reference = reference_of(LANE_WINDOW);
    size_t used, size = encode(&reference);
    for (uint32_t i = 0; i < LANE_WINDOW; i++) {
        (void)encode(&reference);
        store_u32(room + AT_ENTRIES + (size_t)i * BATCH_ENTRY_BYTES, 0);
        assert_int_equal(decode(size, &used), SYNOD_MALFORMED);
    }
}

/* Who makes a certificate of one that no decoder gave has to be told as well. */
static void test_certificate_of_a_reference(void **state) {
    (void)state;
    _Alignas(8) static uint8_t to[8192];
    static committee_t committee;
    committee.size = SIZE;
    committee.epoch = 3;
    assert_true(certificate_bytes_max(SIZE) <= sizeof to);
    certificate_t *certificate = (certificate_t *)(void *)to;
    digest_t name = filled_digest(7);
    batch_reference_t reference = reference_of(2);
    assert_int_equal(batch_certificate(&reference, &name, &committee, certificate), SYNOD_OK);
    assert_int_equal(certificate->signers, SIGNERS);
    assert_int_equal(certificate->statement.height, reference.first + 1);
    assert_int_equal(certificate->statement.subject, reference.author);
    assert_true(certificate_has(certificate, 0) && certificate_has(certificate, 11));
    for (uint32_t count = 0; count <= 5; count++) {
        static const uint8_t many[5 * SYNOD_SIGNATURE_BYTES];
        reference.signatures = bytes_of(many, (size_t)count * SYNOD_SIGNATURE_BYTES);
        assert_int_equal(batch_certificate(&reference, &name, &committee, certificate),
                         count == SIGNERS ? SYNOD_OK : SYNOD_MALFORMED);
    }
    static const uint8_t all[(SIZE + 1) * SYNOD_SIGNATURE_BYTES];
    reference.signatures = bytes_of(all, sizeof all);
    assert_int_equal(batch_certificate(&reference, &name, &committee, certificate),
                     SYNOD_MALFORMED);
    reference = reference_of(2);
    reference.signers.size = 1;
    assert_int_equal(batch_certificate(&reference, &name, &committee, certificate),
                     SYNOD_MALFORMED);
}

/* ---- batches ---- */

static void test_batch_bounds(void **state) {
    (void)state;
    batch_t batch = {.author = 1, .sequence = UINT64_MAX >> 2, .requests = bytes_of("abc", 3)}, got;
    writer_t writer = writer_of(room, sizeof room);
    batch_encode(&batch, &writer);
    assert_int_equal(writer.at, BATCH_HEADER_BYTES + 3);
    for (size_t size = 0; size <= writer.at; size++) {
        reader_t reader = reader_of(bytes_of(room, size));
        synod_status status = batch_decode(&reader, &got);
        assert_int_equal(status, size < BATCH_HEADER_BYTES    ? SYNOD_TRUNCATED
                                 : size == BATCH_HEADER_BYTES ? SYNOD_MALFORMED
                                                              : SYNOD_OK);
    }
    assert_true(bytes_equal(got.requests, batch.requests));
    for (uint32_t i = 0; i < 2; i++) {
        store_u64(room + 4, i == 0 ? 0 : (UINT64_MAX >> 2) + 1);
        reader_t reader = reader_of(writer_bytes(&writer));
        assert_int_equal(batch_decode(&reader, &got), SYNOD_MALFORMED);
    }
}

/* A name fixes author, place, what it stands on, sizes and bytes. */
static void test_name_binds(void **state) {
    (void)state;
    digest_t parent = filled_digest(1), other = filled_digest(2);
    batch_entry_t entry = {.size_bytes = 3, .requests = 1, .content = filled_digest(3)};
    batch_entry_t longer = entry, more = entry, changed = entry;
    longer.size_bytes++;
    more.requests++;
    changed.content.bytes[31] ^= 1;
    digest_t names[] = {batch_name(1, 5, &parent, &entry),  batch_name(2, 5, &parent, &entry),
                        batch_name(1, 6, &parent, &entry),  batch_name(1, 5, &other, &entry),
                        batch_name(1, 5, &parent, &longer), batch_name(1, 5, &parent, &more),
                        batch_name(1, 5, &parent, &changed)};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (size_t k = 0; k < i; k++)
            assert_false(digest_equal(&names[i], &names[k]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_cut_anywhere),
        cmocka_unit_test(test_reference_bounds),
        cmocka_unit_test(test_reference_entries),
        cmocka_unit_test(test_certificate_of_a_reference),
        cmocka_unit_test(test_batch_bounds),
        cmocka_unit_test(test_name_binds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
