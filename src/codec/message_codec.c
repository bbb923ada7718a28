/* Consensus messages on the wire (docs/formats/wire.md).
 *
 * The phase, first thing in a message, says by its row of the protocol's table what follows: so no
 * body kind, no count of claims and no kind of authentication is on the wire, and none of them can
 * contradict the table. Two things are told by flags, because the table leaves them open: which
 * certificates are there, and (since an encoder has no table) whether there is a signature; the
 * decoder holds the flags against the table.
 *
 * Invariant: canonical. What decodes encodes to the same bytes, and gives the same message. */
#include "codec/message_codec.h"

#include "base/check.h"
#include "codec/field.h"

#define FLAG_FIRST_CERTIFICATE 1u
#define FLAG_SECOND_CERTIFICATE 2u
#define FLAG_SIGNATURE 4u
#define FLAGS_ALL 7u
#define CLAIM_BYTES 40
#define PART_BYTES 4
#define LENGTH_BYTES 4

_Static_assert(MESSAGE_CERTIFICATES_MAX == 2, "one flag each");

static const field_t header_fields[] = {
    FIELD_ANY(message_t, statement.phase),
    FIELD_ANY(message_t, statement.epoch),
    FIELD_ANY(message_t, statement.view),
    FIELD_ANY(message_t, statement.height),
    FIELD_RAW(message_t, statement.digest),
    FIELD_MEMBER(message_t, author),
    FIELD_MEMBER(message_t, statement.subject),
    FIELD_WITHIN(message_t, statement.path.length, 1, 0, PATH_PARTS_MAX),
};
static const schema_t header_schema = SCHEMA_OF(header_fields);

static const field_t claim_fields[] = {
    FIELD_ANY(claim_t, view),
    FIELD_RAW(claim_t, digest),
};
static const schema_t claim_schema = SCHEMA_OF(claim_fields);

/* An all-zero signature is none: no suite makes one (its R would be of small order, attack K1). */
static bool has_signature(const message_t *message) {
    static const signature_t none;
    return memcmp(&message->signature, &none, sizeof none) != 0;
}

static uint32_t flags_of(const message_t *message) {
    return (message->certificates[0] != NULL ? FLAG_FIRST_CERTIFICATE : 0) |
           (message->certificates[1] != NULL ? FLAG_SECOND_CERTIFICATE : 0) |
           (has_signature(message) ? FLAG_SIGNATURE : 0);
}

static bool has_certificate(uint32_t flags, uint32_t index) {
    return (flags >> index & FLAG_FIRST_CERTIFICATE) != 0;
}

size_t message_encoded_bytes(const message_t *message) {
    const statement_t *statement = &message->statement;
    require(statement_bounded(statement));
    size_t size = schema_encoded_bytes(header_schema, message) + 1;
    size += (size_t)statement->path.length * PART_BYTES;
    size += (size_t)statement->claim_count * CLAIM_BYTES;
    size += has_signature(message) ? sizeof message->signature : 0;
    for (uint32_t index = 0; index < MESSAGE_CERTIFICATES_MAX; index++) {
        if (message->certificates[index] != NULL) {
            size += certificate_encoded_bytes(message->certificates[index]);
        }
    }
    if (statement->body == BODY_PROPOSAL) {
        require(message->block != NULL);
        size += LENGTH_BYTES + block_encoded_bytes(message->block);
    } else if (statement->body == BODY_SHARE) {
        size += LENGTH_BYTES + message->share.size;
    }
    return size;
}

void message_encode(const message_t *message, writer_t *writer) {
    const statement_t *statement = &message->statement;
    const size_t size = message_encoded_bytes(message);
    const size_t start = writer->at;
    require(!writer->failed && writer->size - start >= size);
    require((statement->body == BODY_PROPOSAL) == (message->block != NULL));
    require(statement->body == BODY_SHARE || message->share.size == 0);
    require(message->share.size <= UINT32_MAX);
    schema_encode(header_schema, message, writer);
    write_u8(writer, (uint8_t)flags_of(message));
    for (uint32_t part = 0; part < statement->path.length; part++) {
        write_u32(writer, statement->path.parts[part]);
    }
    for (uint32_t k = 0; k < statement->claim_count; k++) {
        schema_encode(claim_schema, &statement->claims[k], writer);
    }
    if (has_signature(message)) {
        write_bytes(writer, message->signature.bytes, sizeof message->signature.bytes);
    }
    for (uint32_t index = 0; index < MESSAGE_CERTIFICATES_MAX; index++) {
        if (message->certificates[index] != NULL) {
            certificate_encode(message->certificates[index], writer);
        }
    }
    if (statement->body == BODY_PROPOSAL) {
        write_u32(writer, (uint32_t)block_encoded_bytes(message->block));
        block_encode(message->block, writer);
    } else if (statement->body == BODY_SHARE) {
        write_u32(writer, (uint32_t)message->share.size);
        write_bytes(writer, message->share.data, message->share.size);
    }
    ensure(!writer->failed && writer->at - start == size);
}

/* ---- decoding ---- */

/* What the reader, the table and the committee say together, for the parts of one message. */
typedef struct decoder {
    reader_t *reader;
    const phase_t *phases;
    uint32_t phase_count, members;
    arena_t *arena;
} decoder_t;

/* The flags against the row. */
static synod_status judge_flags(const phase_t *row, uint32_t flags) {
    if ((flags & ~FLAGS_ALL) != 0) {
        return SYNOD_MALFORMED;
    }
    const bool sign = row->authentication == AUTH_SIGNATURE && row->body != BODY_STATUS;
    if (sign != ((flags & FLAG_SIGNATURE) != 0)) {
        return SYNOD_MALFORMED;
    }
    for (uint32_t index = 0; index < MESSAGE_CERTIFICATES_MAX; index++) {
        const bool present = has_certificate(flags, index);
        const bool possible = row->certificate_phase[index] != PHASE_NONE;
        if (present ? !possible : row->certificate_required[index]) {
            return SYNOD_MALFORMED;
        }
    }
    return SYNOD_OK;
}

static synod_status decode_header(const decoder_t *decoder, message_t *message, uint32_t *flags) {
    synod_status status = schema_decode(header_schema, decoder->reader, message);
    if (status != SYNOD_OK) {
        return status;
    }
    *flags = read_u8(decoder->reader);
    if (decoder->reader->failed) {
        return SYNOD_TRUNCATED;
    }
    statement_t *statement = &message->statement;
    if (statement->phase >= decoder->phase_count) {
        return SYNOD_MALFORMED;
    }
    /* Also where the author does not matter: whoever indexes by it may do so. */
    if (message->author >= decoder->members ||
        (statement->subject != MEMBER_NONE && statement->subject >= decoder->members)) {
        return SYNOD_NOT_MEMBER;
    }
    const phase_t *row = &decoder->phases[statement->phase];
    statement->body = (uint8_t)row->body;
    statement->claim_count = row->claim_count;
    invariant(statement_bounded(statement));
    return judge_flags(row, *flags);
}

/* The rest of what the author says: path, claims, signature. */
static synod_status decode_statement(const decoder_t *decoder, uint32_t flags, message_t *message) {
    reader_t *reader = decoder->reader;
    statement_t *statement = &message->statement;
    for (uint32_t part = 0; part < statement->path.length; part++) {
        statement->path.parts[part] = read_u32(reader);
    }
    for (uint32_t k = 0; k < statement->claim_count; k++) {
        (void)schema_decode(claim_schema, reader, &statement->claims[k]);
    }
    if ((flags & FLAG_SIGNATURE) != 0) {
        read_into(reader, message->signature.bytes, sizeof message->signature.bytes);
        if (!reader->failed && !has_signature(message)) {
            return SYNOD_BAD_SIGNATURE;
        }
    }
    return reader->failed ? SYNOD_TRUNCATED : SYNOD_OK;
}

/* The index-th certificate, as the row of the message and the row of its own phase want it. */
static synod_status decode_certificate(const decoder_t *decoder, uint32_t index,
                                       message_t *message) {
    const certificate_t *certificate = NULL;
    const synod_status status =
        certificate_decode(decoder->reader, decoder->members, decoder->arena, &certificate);
    if (status != SYNOD_OK) {
        return status;
    }
    const uint8_t phase = decoder->phases[message->statement.phase].certificate_phase[index];
    if (certificate->statement.phase != phase) {
        return SYNOD_MALFORMED; /* attack Q4 */
    }
    invariant(phase < decoder->phase_count);
    /* Genesis stands for a certificate of any phase; its form is certificate_judge's. */
    const phase_t *row = &decoder->phases[phase];
    const statement_t *statement = &certificate->statement;
    if (!certificate_is_genesis(certificate) &&
        (statement->body != row->body || statement->claim_count != row->claim_count ||
         certificate->claims_differ != (row->claims_differ && row->claim_count > 0))) {
        return SYNOD_MALFORMED;
    }
    message->certificates[index] = certificate;
    return SYNOD_OK;
}

/* The block that the statement is about, and the room that its payload takes. */
static synod_status decode_block(const decoder_t *decoder, message_t *message) {
    const uint32_t size = read_u32(decoder->reader);
    if (!decoder->reader->failed &&
        (size < BLOCK_FIXED_BYTES ||
         size > BLOCK_FIXED_BYTES + (size_t)BLOCK_PARENTS_MAX * SYNOD_DIGEST_BYTES ||
         (size - BLOCK_FIXED_BYTES) % SYNOD_DIGEST_BYTES != 0)) {
        return SYNOD_MALFORMED;
    }
    const bytes_t encoded = read_bytes(decoder->reader, size);
    if (decoder->reader->failed) {
        return SYNOD_TRUNCATED;
    }
    const size_t room = block_bytes((size - BLOCK_FIXED_BYTES) / SYNOD_DIGEST_BYTES);
    block_t *block = arena_take(decoder->arena, room);
    if (block == NULL) {
        return SYNOD_NO_MEMORY;
    }
    reader_t inner = reader_of(encoded);
    const synod_status status = block_decode(&inner, block, room);
    if (status != SYNOD_OK) {
        return status;
    }
    if (!reader_done(&inner)) {
        return SYNOD_MALFORMED;
    }
    /* Cores rely on this: what was signed is this block. */
    const digest_t id = block_id(block);
    if (!digest_equal(&id, &message->statement.digest) ||
        block->height != message->statement.height) {
        return SYNOD_MISMATCH;
    }
    /* All of the payload or, where the receiver can have it from elsewhere, none. */
    const size_t payload = reader_left(decoder->reader);
    if (payload != 0 && payload != block->payload_size_bytes) {
        return SYNOD_MISMATCH;
    }
    message->block = block;
    return SYNOD_OK;
}

static synod_status decode_share(reader_t *reader, message_t *message) {
    const uint32_t size = read_u32(reader);
    message->share = read_bytes(reader, size);
    return reader->failed ? SYNOD_TRUNCATED : SYNOD_OK;
}

synod_status message_decode(reader_t *reader, const phase_t *phases, uint32_t phase_count,
                            uint32_t members, arena_t *arena, message_t *message) {
    require(members >= 1 && members <= MEMBERS_MAX);
    const decoder_t decoder = {.reader = reader,
                               .phases = phases,
                               .phase_count = phase_count,
                               .members = members,
                               .arena = arena};
    memset(message, 0, sizeof *message); /* padding too: equal messages are equal memory */
    uint32_t flags = 0;
    synod_status status = decode_header(&decoder, message, &flags);
    if (status == SYNOD_OK) {
        status = decode_statement(&decoder, flags, message);
    }
    for (uint32_t index = 0; index < MESSAGE_CERTIFICATES_MAX && status == SYNOD_OK; index++) {
        if (has_certificate(flags, index)) {
            status = decode_certificate(&decoder, index, message);
        }
    }
    if (status != SYNOD_OK) {
        return status;
    }
    if (message->statement.body == BODY_PROPOSAL) {
        return decode_block(&decoder, message); /* and its payload, which the caller takes */
    }
    if (message->statement.body == BODY_SHARE) {
        status = decode_share(reader, message);
    }
    if (status == SYNOD_OK && reader_left(reader) != 0) {
        return SYNOD_MALFORMED;
    }
    return status;
}

size_t message_arena_bytes(uint32_t members) {
    /* The arena may lose up to 15 bytes to the alignment of its start. */
    return 16 + arena_cost(block_bytes(BLOCK_PARENTS_MAX)) +
           MESSAGE_CERTIFICATES_MAX * arena_cost(certificate_bytes_max(members));
}
