/* Records as tables: each field is a row (where it stands in memory, how wide it is on the wire,
 * which values it may have), walked by one encoder and one decoder. So both directions and the
 * size cannot drift apart, and a new field is one line. Private to src/codec.
 *
 * The wire has the rows in order, without padding, little-endian (docs/formats/wire.md). Each value
 * has one encoding: what decodes encodes to the same bytes. */
#ifndef CODEC_FIELD_H
#define CODEC_FIELD_H

#include "base/bytes.h"

typedef enum field_kind {
    FIELD_KIND_NUMBER = 1, /* unsigned, enum or bool: `width` bytes on the wire, low to high */
    FIELD_KIND_MEMBER = 2, /* u32: below MEMBERS_MAX, or MEMBER_NONE; refused as NOT_MEMBER */
    FIELD_KIND_RAW = 3,    /* `width` bytes as they are: digests, signatures */
    FIELD_KIND_BYTES = 4,  /* bytes_t: length u32, then that many bytes; length at most `high` */
    FIELD_KIND_TEXT = 5    /* char array, zero-ended: length u32, then printable ASCII */
} field_kind_t;

typedef struct field {
    field_kind_t kind;
    uint32_t offset; /* in the record */
    uint32_t memory; /* bytes in the record */
    uint32_t width;  /* bytes on the wire, of the length where there is one */
    uint64_t low, high;
} field_t;

typedef struct schema {
    const field_t *fields;
    size_t count;
} schema_t;

#define FIELD_ROW(kind, type, member, width, low, high)                                            \
    { kind, offsetof(type, member), sizeof(((type *)0)->member), width, low, high }
/* Any value of u8, u32 or u64 as wide as it is in memory. */
#define FIELD_ANY(type, member)                                                                    \
    FIELD_ROW(FIELD_KIND_NUMBER, type, member, sizeof(((type *)0)->member), 0,                     \
              UINT64_MAX >> (64 - 8 * sizeof(((type *)0)->member)))
#define FIELD_WITHIN(type, member, width, low, high)                                               \
    FIELD_ROW(FIELD_KIND_NUMBER, type, member, width, low, high)
#define FIELD_FLAG(type, member) FIELD_ROW(FIELD_KIND_NUMBER, type, member, 1, 0, 1)
#define FIELD_MEMBER(type, member) FIELD_ROW(FIELD_KIND_MEMBER, type, member, 4, 0, 0)
#define FIELD_RAW(type, member)                                                                    \
    FIELD_ROW(FIELD_KIND_RAW, type, member, sizeof(((type *)0)->member), 0, 0)
#define FIELD_BYTES(type, member, high) FIELD_ROW(FIELD_KIND_BYTES, type, member, 4, 0, high)
#define FIELD_TEXT(type, member)                                                                   \
    FIELD_ROW(FIELD_KIND_TEXT, type, member, 4, 0, sizeof(((type *)0)->member) - 1)

#define SCHEMA_OF(table)                                                                           \
    { table, sizeof(table) / sizeof((table)[0]) }

/* The value of a number row of `record`. */
uint64_t field_number(const field_t *field, const void *record);

size_t schema_encoded_bytes(schema_t schema, const void *record);
/* Values outside of their row are our own mistake. A writer without room latches, as always. */
void schema_encode(schema_t schema, const void *record, writer_t *writer);
/* From the front of the reader. TRUNCATED, MALFORMED (value), NOT_MEMBER or TOO_LARGE (length);
 * `record` is then not to be used. Bytes rows borrow from the reader's range. */
synod_status schema_decode(schema_t schema, reader_t *reader, void *record);
/* As above, and MALFORMED when bytes are left over. */
synod_status schema_decode_whole(schema_t schema, reader_t *reader, void *record);

#endif
