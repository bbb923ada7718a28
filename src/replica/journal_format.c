/* Encoding and judging of the journal's bytes. Nothing here asserts anything about bytes that were
 * read: they are judged and a status says what is wrong with them. */
#include "replica/journal_format.h"

#include <isa-l/crc.h>

#include "base/check.h"
#include "crypto/hash.h"

enum {
    AT_MAGIC = 0,
    AT_CRC = 4,
    AT_SEQUENCE = 8,
    AT_ADDRESS = 16,
    AT_COMMITTED = 24,
    AT_LENGTH = 32,
    AT_BODY_CRC = 36,
    AT_KIND = 40,
    AT_ZERO = 42,
    AT_DEVICE = 44,
    AT_PREVIOUS = 48
};

_Static_assert(AT_PREVIOUS + JOURNAL_CHAIN_BYTES == JOURNAL_RECORD_HEADER_BYTES, "header layout");
_Static_assert(JOURNAL_RECORD_HEADER_BYTES <= JOURNAL_ALIGNMENT_BYTES, "one sector per header");
_Static_assert(JOURNAL_RECORD_HEADER_BYTES + JOURNAL_SEGMENT_FIXED_BYTES + JOURNAL_GENESIS_MAX <=
                   JOURNAL_SECTOR_BYTES,
               "the first record of a segment fits into its first sector");

uint32_t journal_crc(uint32_t crc, bytes_t bytes) {
    uint32_t state = ~crc;
    for (size_t at = 0; at < bytes.size;) {
        size_t piece = bytes.size - at < (1u << 30) ? bytes.size - at : (1u << 30);
        /* The library takes a pointer to mutable bytes and only reads them. */
        state = crc32_iscsi((unsigned char *)(uintptr_t)(bytes.data + at), (int)piece, state);
        at += piece;
    }
    return ~state;
}

static uint32_t header_crc(const uint8_t *header) {
    return journal_crc(0,
                       bytes_of(header + AT_SEQUENCE, JOURNAL_RECORD_HEADER_BYTES - AT_SEQUENCE));
}

void journal_header_encode(const journal_header_t *header, uint8_t *to) {
    store_u32(to + AT_MAGIC, JOURNAL_MAGIC);
    store_u64(to + AT_SEQUENCE, header->sequence);
    store_u64(to + AT_ADDRESS, header->address);
    store_u64(to + AT_COMMITTED, header->committed);
    store_u32(to + AT_LENGTH, header->length);
    store_u32(to + AT_BODY_CRC, header->body_crc);
    store_u16(to + AT_KIND, header->kind);
    store_u16(to + AT_ZERO, 0);
    store_u32(to + AT_DEVICE, header->device);
    memcpy(to + AT_PREVIOUS, header->previous, JOURNAL_CHAIN_BYTES);
    store_u32(to + AT_CRC, header_crc(to));
}

synod_status journal_header_decode(const uint8_t *from, journal_header_t *header) {
    if (load_u32(from + AT_MAGIC) != JOURNAL_MAGIC) {
        return SYNOD_NOT_FOUND;
    }
    if (load_u32(from + AT_CRC) != header_crc(from)) {
        return SYNOD_BAD_CHECKSUM; /* then its length means nothing either (attack F5) */
    }
    header->sequence = load_u64(from + AT_SEQUENCE);
    header->address = load_u64(from + AT_ADDRESS);
    header->committed = load_u64(from + AT_COMMITTED);
    header->length = load_u32(from + AT_LENGTH);
    header->body_crc = load_u32(from + AT_BODY_CRC);
    header->kind = load_u16(from + AT_KIND);
    header->device = load_u32(from + AT_DEVICE);
    memcpy(header->previous, from + AT_PREVIOUS, JOURNAL_CHAIN_BYTES);
    bool sound = header->sequence != 0 && header->sequence < JOURNAL_NUMBER_MAX &&
                 header->committed < header->sequence && header->length <= JOURNAL_RECORD_MAX &&
                 header->kind != 0 && load_u16(from + AT_ZERO) == 0;
    return sound ? SYNOD_OK : SYNOD_MALFORMED;
}

void journal_chain(const uint8_t *header, uint8_t *chain) {
    digest_t digest = hash_bytes(bytes_of(header, JOURNAL_RECORD_HEADER_BYTES));
    memcpy(chain, digest.bytes, JOURNAL_CHAIN_BYTES);
}

uint32_t journal_device(bytes_t genesis) {
    digest_t digest = hash_bytes(genesis);
    return load_u32(digest.bytes);
}

void journal_segment_encode(const journal_segment_body_t *body, uint8_t *to) {
    require(body->genesis.size <= JOURNAL_GENESIS_MAX);
    store_u32(to, JOURNAL_VERSION);
    store_u32(to + 4, 0);
    store_u64(to + 8, body->segment_bytes);
    store_u64(to + 16, body->ordinal);
    store_u64(to + 24, body->oldest);
    if (body->genesis.size > 0) {
        memcpy(to + JOURNAL_SEGMENT_FIXED_BYTES, body->genesis.data, body->genesis.size);
    }
}

synod_status journal_segment_decode(bytes_t from, journal_segment_body_t *body) {
    reader_t reader = reader_of(from);
    uint32_t version = read_u32(&reader);
    uint32_t zero = read_u32(&reader);
    body->segment_bytes = read_u64(&reader);
    body->ordinal = read_u64(&reader);
    body->oldest = read_u64(&reader);
    body->genesis = read_bytes(&reader, reader.failed ? 0 : reader_left(&reader));
    if (reader.failed) {
        return SYNOD_TRUNCATED;
    }
    if (version != JOURNAL_VERSION) {
        return SYNOD_BAD_VERSION;
    }
    bool sound = zero == 0 && body->ordinal != 0 && body->ordinal < JOURNAL_NUMBER_MAX &&
                 body->oldest != 0 && body->oldest <= body->ordinal &&
                 body->genesis.size <= JOURNAL_GENESIS_MAX;
    return sound ? SYNOD_OK : SYNOD_MALFORMED;
}

void journal_turn_encode(const journal_turn_t *turn, uint8_t *to) {
    store_u64(to, turn->ordinal);
    store_u32(to + 8, turn->slot);
    store_u32(to + 12, 0);
}

synod_status journal_turn_decode(bytes_t from, journal_turn_t *turn) {
    reader_t reader = reader_of(from);
    turn->ordinal = read_u64(&reader);
    turn->slot = read_u32(&reader);
    uint32_t zero = read_u32(&reader);
    if (!reader_done(&reader)) {
        return reader.failed ? SYNOD_TRUNCATED : SYNOD_MALFORMED;
    }
    return zero == 0 ? SYNOD_OK : SYNOD_MALFORMED;
}

uint64_t journal_released_decode(bytes_t from) {
    return from.size == JOURNAL_RELEASED_BYTES ? load_u64(from.data) : 0;
}

synod_status journal_parse(bytes_t bytes, uint64_t address, journal_entry_t *entry) {
    journal_header_t header;
    if (bytes.size < JOURNAL_RECORD_HEADER_BYTES) {
        return SYNOD_TRUNCATED;
    }
    synod_status status = journal_header_decode(bytes.data, &header);
    if (status != SYNOD_OK) {
        return status;
    }
    if (header.address != address || header.kind > JOURNAL_KIND_USER_MAX) {
        return SYNOD_MISMATCH;
    }
    if (bytes.size - JOURNAL_RECORD_HEADER_BYTES < header.length) {
        return SYNOD_TRUNCATED;
    }
    bytes_t body = bytes_of(bytes.data + JOURNAL_RECORD_HEADER_BYTES, header.length);
    if (journal_crc(0, body) != header.body_crc) {
        return SYNOD_BAD_CHECKSUM;
    }
    *entry = (journal_entry_t){header.sequence, address, (journal_kind_t)header.kind, body};
    return SYNOD_OK;
}
