/* The one encoder and the one decoder of table-driven records (field.h).
 *
 * Invariant: encode, decode and the size walk the same rows in the same order; no other code in
 * src/codec knows the layout of a fixed record. */
#include "codec/field.h"

#include "base/check.h"
#include "model/ids.h"

static const uint8_t *row_at(const field_t *field, const void *record) {
    return (const uint8_t *)record + field->offset;
}

/* Numbers in memory are uint8_t or bool, uint32_t or an enum, uint64_t. */
uint64_t field_number(const field_t *field, const void *record) {
    const uint8_t *from = row_at(field, record);
    uint32_t four;
    uint64_t eight;
    switch (field->memory) {
    case 1:
        return *from;
    case 4:
        memcpy(&four, from, sizeof four);
        return four;
    default:
        invariant(field->memory == 8);
        memcpy(&eight, from, sizeof eight);
        return eight;
    }
}

static void number_set(const field_t *field, void *record, uint64_t value) {
    uint8_t *to = (uint8_t *)record + field->offset;
    uint32_t four = (uint32_t)value;
    switch (field->memory) {
    case 1:
        *to = (uint8_t)value;
        return;
    case 4:
        memcpy(to, &four, sizeof four);
        return;
    default:
        invariant(field->memory == 8);
        memcpy(to, &value, sizeof value);
    }
}

static void number_write(writer_t *writer, uint32_t width, uint64_t value) {
    switch (width) {
    case 1:
        write_u8(writer, (uint8_t)value);
        return;
    case 2:
        write_u16(writer, (uint16_t)value);
        return;
    case 4:
        write_u32(writer, (uint32_t)value);
        return;
    default:
        invariant(width == 8);
        write_u64(writer, value);
    }
}

static uint64_t number_read(reader_t *reader, uint32_t width) {
    switch (width) {
    case 1:
        return read_u8(reader);
    case 2:
        return read_u16(reader);
    case 4:
        return read_u32(reader);
    default:
        invariant(width == 8);
        return read_u64(reader);
    }
}

/* What a row's value must be: checked by both directions, as an assertion and as a judgement. */
static bool number_fits(const field_t *field, uint64_t value) {
    if (field->kind == FIELD_KIND_MEMBER) {
        return value < MEMBERS_MAX || value == MEMBER_NONE;
    }
    return value >= field->low && value <= field->high;
}

/* A peer's text ends in logs and on terminals: no control characters, so no escape sequences. */
static bool is_printable(char character) {
    return character >= 0x20 && character <= 0x7e;
}

static size_t text_size(const field_t *field, const void *record) {
    const char *text = (const char *)row_at(field, record);
    size_t size = 0;
    while (size < field->high && text[size] != '\0') {
        size++;
    }
    return size;
}

static void text_encode(const field_t *field, const void *record, writer_t *writer) {
    const char *text = (const char *)row_at(field, record);
    size_t size = text_size(field, record);
    write_u32(writer, (uint32_t)size);
    for (size_t index = 0; index < size; index++) {
        write_u8(writer, (uint8_t)(is_printable(text[index]) ? text[index] : '?'));
    }
}

static synod_status text_decode(const field_t *field, reader_t *reader, void *record) {
    char *text = (char *)record + field->offset;
    uint32_t size = read_u32(reader);
    if (size > field->high) {
        return SYNOD_TOO_LARGE;
    }
    memset(text, 0, field->memory);
    read_into(reader, text, size);
    for (uint32_t index = 0; index < size && !reader->failed; index++) {
        if (!is_printable(text[index])) {
            return SYNOD_MALFORMED;
        }
    }
    return SYNOD_OK;
}

static bytes_t row_bytes(const field_t *field, const void *record) {
    bytes_t bytes;
    memcpy(&bytes, row_at(field, record), sizeof bytes);
    return bytes;
}

static synod_status bytes_decode(const field_t *field, reader_t *reader, void *record) {
    uint32_t size = read_u32(reader);
    if (size > field->high) {
        return SYNOD_TOO_LARGE;
    }
    bytes_t bytes = read_bytes(reader, size);
    memcpy((uint8_t *)record + field->offset, &bytes, sizeof bytes);
    return SYNOD_OK;
}

static synod_status number_decode(const field_t *field, reader_t *reader, void *record) {
    uint64_t value = number_read(reader, field->width);
    if (!reader->failed && !number_fits(field, value)) {
        return field->kind == FIELD_KIND_MEMBER ? SYNOD_NOT_MEMBER : SYNOD_MALFORMED;
    }
    number_set(field, record, value);
    return SYNOD_OK;
}

size_t schema_encoded_bytes(schema_t schema, const void *record) {
    size_t size = 0;
    for (size_t index = 0; index < schema.count; index++) {
        const field_t *field = &schema.fields[index];
        size += field->width;
        if (field->kind == FIELD_KIND_BYTES) {
            size += row_bytes(field, record).size;
        } else if (field->kind == FIELD_KIND_TEXT) {
            size += text_size(field, record);
        }
    }
    return size;
}

void schema_encode(schema_t schema, const void *record, writer_t *writer) {
    for (size_t index = 0; index < schema.count; index++) {
        const field_t *field = &schema.fields[index];
        uint64_t value;
        bytes_t bytes;
        switch (field->kind) {
        case FIELD_KIND_NUMBER:
        case FIELD_KIND_MEMBER:
            value = field_number(field, record);
            require(number_fits(field, value));
            number_write(writer, field->width, value);
            break;
        case FIELD_KIND_RAW:
            write_bytes(writer, row_at(field, record), field->width);
            break;
        case FIELD_KIND_BYTES:
            bytes = row_bytes(field, record);
            require(bytes.size <= field->high);
            write_u32(writer, (uint32_t)bytes.size);
            write_bytes(writer, bytes.data, bytes.size);
            break;
        case FIELD_KIND_TEXT:
            text_encode(field, record, writer);
            break;
        }
    }
}

synod_status schema_decode(schema_t schema, reader_t *reader, void *record) {
    for (size_t index = 0; index < schema.count; index++) {
        const field_t *field = &schema.fields[index];
        synod_status status = SYNOD_OK;
        switch (field->kind) {
        case FIELD_KIND_NUMBER:
        case FIELD_KIND_MEMBER:
            status = number_decode(field, reader, record);
            break;
        case FIELD_KIND_RAW:
            read_into(reader, (uint8_t *)record + field->offset, field->width);
            break;
        case FIELD_KIND_BYTES:
            status = bytes_decode(field, reader, record);
            break;
        case FIELD_KIND_TEXT:
            status = text_decode(field, reader, record);
            break;
        }
        if (status != SYNOD_OK) {
            return status;
        }
    }
    return reader->failed ? SYNOD_TRUNCATED : SYNOD_OK;
}

synod_status schema_decode_whole(schema_t schema, reader_t *reader, void *record) {
    synod_status status = schema_decode(schema, reader, record);
    if (status == SYNOD_OK && !reader_done(reader)) {
        return SYNOD_MALFORMED;
    }
    return status;
}
