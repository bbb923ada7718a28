/* The byte form of a certificate (docs/formats/wire.md).
 *
 * Invariant: canonical. One certificate has one encoding and whatever decodes encodes to the same
 * bytes, so that copies can be compared by their bytes. Each count is bounded by the committee
 * before anything is measured by it (attack Q9), and signers are bits, so nobody stands in the list
 * twice (attack Q1). What the quorum is and whether signatures hold is judged in certificate.c. */
#include "model/certificate_wire.h"

#include "base/check.h"
#include "model/message.h"

enum {
    AT_EPOCH = 0,
    AT_VIEW = 8,
    AT_HEIGHT = 16,
    AT_DIGEST = 24,
    AT_SUBJECT = 56,
    AT_MEMBERS = 60,
    AT_SIGNERS = 62,
    AT_PHASE = 64,
    AT_BODY = 65,
    AT_CLAIM_COUNT = 66,
    AT_CLAIMS_DIFFER = 67,
    AT_PATH_LENGTH = 68,
    FIXED_BYTES = 69,
    PART_BYTES = 4,
    CLAIM_BYTES = 40
};

_Static_assert(MEMBERS_MAX <= UINT16_MAX, "members and signers are two bytes each");

static size_t bitmap_bytes(uint32_t members) {
    return (members + 7) / 8;
}

/* What follows the fixed part. */
static size_t variable_bytes(uint32_t path_length, uint32_t claim_count, bool claims_differ,
                             uint32_t members, uint32_t signers) {
    const size_t claims = (size_t)claim_count * CLAIM_BYTES;
    const size_t shared = claims_differ ? 0 : claims;
    const size_t each = SYNOD_SIGNATURE_BYTES + (claims_differ ? claims : 0);
    return (size_t)path_length * PART_BYTES + shared + bitmap_bytes(members) + signers * each;
}

size_t certificate_encoded_bytes(const certificate_t *certificate) {
    const statement_t *statement = &certificate->statement;
    require(statement_bounded(statement));
    return FIXED_BYTES + variable_bytes(statement->path.length, statement->claim_count,
                                        certificate->claims_differ, certificate->members,
                                        certificate->signers);
}

static void write_claim(writer_t *writer, const claim_t *claim) {
    write_u64(writer, claim->view);
    write_bytes(writer, claim->digest.bytes, sizeof claim->digest.bytes);
}

static void encode_statement(const certificate_t *certificate, writer_t *writer) {
    const statement_t *statement = &certificate->statement;
    uint8_t fixed[FIXED_BYTES];
    store_u64(fixed + AT_EPOCH, statement->epoch);
    store_u64(fixed + AT_VIEW, statement->view);
    store_u64(fixed + AT_HEIGHT, statement->height);
    memcpy(fixed + AT_DIGEST, statement->digest.bytes, sizeof statement->digest.bytes);
    store_u32(fixed + AT_SUBJECT, statement->subject);
    store_u16(fixed + AT_MEMBERS, (uint16_t)certificate->members);
    store_u16(fixed + AT_SIGNERS, (uint16_t)certificate->signers);
    fixed[AT_PHASE] = statement->phase;
    fixed[AT_BODY] = statement->body;
    fixed[AT_CLAIM_COUNT] = statement->claim_count;
    fixed[AT_CLAIMS_DIFFER] = certificate->claims_differ ? 1 : 0;
    fixed[AT_PATH_LENGTH] = (uint8_t)statement->path.length;
    write_bytes(writer, fixed, sizeof fixed);
    for (uint32_t part = 0; part < statement->path.length; part++)
        write_u32(writer, statement->path.parts[part]);
    for (uint32_t k = 0; !certificate->claims_differ && k < statement->claim_count; k++)
        write_claim(writer, &statement->claims[k]);
}

void certificate_encode(const certificate_t *certificate, writer_t *writer) {
    require(certificate->members >= 1 && certificate->members <= MEMBERS_MAX);
    require(writer->size - writer->at >= certificate_encoded_bytes(certificate));
    encode_statement(certificate, writer);
    for (size_t byte = 0; byte < bitmap_bytes(certificate->members); byte++)
        write_u8(writer, (uint8_t)(certificate->words[byte / 8] >> 8 * (byte % 8)));
    for (uint32_t index = 0; index < certificate->signers; index++) {
        write_bytes(writer, certificate_signature(certificate, index)->bytes,
                    SYNOD_SIGNATURE_BYTES);
        for (uint32_t k = 0; certificate->claims_differ && k < certificate->statement.claim_count;
             k++)
            write_claim(writer, certificate_claim(certificate, index, k));
    }
    ensure(!writer->failed);
}

/* What the fixed part says. */
typedef struct head {
    statement_t statement;
    uint32_t members, signers;
    bool claims_differ;
} head_t;

static synod_status judge_head(const head_t *head, uint32_t members, uint8_t differ) {
    const statement_t *statement = &head->statement;
    if (head->members != members || head->signers > members)
        return SYNOD_MALFORMED; /* attack Q9 */
    if (!statement_bounded(statement) || statement->body < BODY_PROPOSAL ||
        statement->body > BODY_STATUS)
        return SYNOD_MALFORMED;
    /* Without claims there is nothing that could differ: one form only. */
    if (differ > 1 || (differ == 1 && statement->claim_count == 0))
        return SYNOD_MALFORMED;
    if (statement->subject != MEMBER_NONE && statement->subject >= members)
        return SYNOD_NOT_MEMBER;
    /* Nobody signed genesis, and nothing else is signed by nobody (attack Q14). */
    if ((statement->view == 0) != (head->signers == 0) ||
        (statement->view == 0 && statement->claim_count != 0))
        return SYNOD_MALFORMED;
    return SYNOD_OK;
}

static synod_status decode_head(reader_t *reader, uint32_t members, head_t *head) {
    const bytes_t fixed = read_bytes(reader, FIXED_BYTES);
    if (fixed.data == NULL)
        return SYNOD_TRUNCATED;
    statement_t *statement = &head->statement;
    memset(head, 0, sizeof *head);
    statement->epoch = load_u64(fixed.data + AT_EPOCH);
    statement->view = load_u64(fixed.data + AT_VIEW);
    statement->height = load_u64(fixed.data + AT_HEIGHT);
    memcpy(statement->digest.bytes, fixed.data + AT_DIGEST, sizeof statement->digest.bytes);
    statement->subject = load_u32(fixed.data + AT_SUBJECT);
    head->members = load_u16(fixed.data + AT_MEMBERS);
    head->signers = load_u16(fixed.data + AT_SIGNERS);
    statement->phase = fixed.data[AT_PHASE];
    statement->body = fixed.data[AT_BODY];
    statement->claim_count = fixed.data[AT_CLAIM_COUNT];
    head->claims_differ = fixed.data[AT_CLAIMS_DIFFER] != 0;
    statement->path.length = fixed.data[AT_PATH_LENGTH];
    return judge_head(head, members, fixed.data[AT_CLAIMS_DIFFER]);
}

static void read_claim(reader_t *reader, claim_t *claim) {
    claim->view = read_u64(reader);
    read_into(reader, claim->digest.bytes, sizeof claim->digest.bytes);
}

/* As many bits as announced, none of them beyond the committee. */
static synod_status judge_bitmap(const uint8_t *bitmap, uint32_t members, uint32_t signers) {
    const uint32_t used = members % 8;
    if (used != 0 && bitmap[bitmap_bytes(members) - 1] >> used != 0)
        return SYNOD_NOT_MEMBER; /* attack Q9 */
    uint32_t count = 0;
    for (size_t byte = 0; byte < bitmap_bytes(members); byte++) {
        for (uint8_t bits = bitmap[byte]; bits != 0; bits = (uint8_t)(bits & (bits - 1)))
            count++;
    }
    return count == signers ? SYNOD_OK : SYNOD_MALFORMED; /* attack Q1 */
}

static void decode_signers(reader_t *reader, const uint8_t *bitmap, certificate_t *certificate) {
    uint32_t index = 0;
    for (member_t member = 0; member < certificate->members; member++) {
        if ((bitmap[member / 8] >> (member % 8) & 1) == 0)
            continue;
        signature_t signature;
        claim_t claims[CLAIMS_MAX] = {{0}};
        read_into(reader, signature.bytes, sizeof signature.bytes);
        for (uint32_t k = 0; certificate->claims_differ && k < certificate->statement.claim_count;
             k++)
            read_claim(reader, &claims[k]);
        certificate_put(certificate, index, member, &signature, claims);
        index++;
    }
    ensure(index == certificate->signers);
}

synod_status certificate_decode(reader_t *reader, uint32_t members, arena_t *arena,
                                const certificate_t **certificate) {
    require(members >= 1 && members <= MEMBERS_MAX);
    head_t head;
    synod_status status = decode_head(reader, members, &head);
    if (status != SYNOD_OK)
        return status;
    statement_t *statement = &head.statement;
    if (reader_left(reader) < variable_bytes(statement->path.length, statement->claim_count,
                                             head.claims_differ, members, head.signers))
        return SYNOD_TRUNCATED;
    for (uint32_t part = 0; part < statement->path.length; part++)
        statement->path.parts[part] = read_u32(reader);
    for (uint32_t k = 0; !head.claims_differ && k < statement->claim_count; k++)
        read_claim(reader, &statement->claims[k]);
    const uint8_t *bitmap = read_bytes(reader, bitmap_bytes(members)).data;
    status = judge_bitmap(bitmap, members, head.signers);
    if (status != SYNOD_OK)
        return status;
    certificate_t *to =
        arena_take(arena, certificate_bytes(members, head.signers, statement->claim_count,
                                            head.claims_differ));
    if (to == NULL)
        return SYNOD_NO_MEMORY;
    certificate_begin(to, statement, members, head.signers, head.claims_differ);
    decode_signers(reader, bitmap, to);
    invariant(!reader->failed); /* measured above */
    *certificate = to;
    return SYNOD_OK;
}
