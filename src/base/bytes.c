/* The bounded reader and writer.
 *
 * Invariants: at <= size; a failed reader stands at its end, so that a loop over reader_left stops;
 * a failed writer keeps what it wrote before the failure and writes nothing more. */
#include "base/bytes.h"

#include "base/check.h"

/* A range without memory is read from here: no arithmetic on a null pointer (C17, 6.5.6), and a
 * successful read of zero bytes differs from a failed one. */
static const uint8_t nothing[1];

uint64_t digest_prefix(const digest_t *digest) {
    return load_u64(digest->bytes);
}

reader_t reader_of(bytes_t bytes) {
    require(bytes.data != NULL || bytes.size == 0);
    return (reader_t){.data = bytes.data != NULL ? bytes.data : nothing, .size = bytes.size};
}

/* The next `size` bytes, or NULL and latched failure. */
static const uint8_t *reader_take(reader_t *reader, size_t size) {
    invariant(reader->at <= reader->size);
    if (reader->failed || size > reader->size - reader->at) {
        reader->failed = true;
        reader->at = reader->size;
        return NULL;
    }
    const uint8_t *from = reader->data + reader->at;
    reader->at += size;
    return from;
}

uint8_t read_u8(reader_t *reader) {
    const uint8_t *from = reader_take(reader, 1);
    return from != NULL ? *from : 0;
}

uint16_t read_u16(reader_t *reader) {
    const uint8_t *from = reader_take(reader, 2);
    return from != NULL ? load_u16(from) : 0;
}

uint32_t read_u32(reader_t *reader) {
    const uint8_t *from = reader_take(reader, 4);
    return from != NULL ? load_u32(from) : 0;
}

uint64_t read_u64(reader_t *reader) {
    const uint8_t *from = reader_take(reader, 8);
    return from != NULL ? load_u64(from) : 0;
}

bytes_t read_bytes(reader_t *reader, size_t size) {
    const uint8_t *from = reader_take(reader, size);
    return from != NULL ? bytes_of(from, size) : bytes_of(NULL, 0);
}

void read_into(reader_t *reader, void *to, size_t size) {
    const uint8_t *from = reader_take(reader, size);
    if (size == 0) {
        return; /* `to` may be null */
    }
    if (from != NULL) {
        memcpy(to, from, size);
    } else {
        memset(to, 0, size);
    }
}

writer_t writer_of(void *data, size_t size) {
    require(data != NULL || size == 0);
    return (writer_t){.data = data, .size = size};
}

/* Room for `size` > 0 bytes, or NULL and latched failure. */
static uint8_t *writer_take(writer_t *writer, size_t size) {
    invariant(writer->at <= writer->size);
    if (writer->failed || size > writer->size - writer->at) {
        writer->failed = true;
        return NULL;
    }
    uint8_t *to = writer->data + writer->at;
    writer->at += size;
    return to;
}

void write_u8(writer_t *writer, uint8_t value) {
    uint8_t *to = writer_take(writer, 1);
    if (to != NULL) {
        *to = value;
    }
}

void write_u16(writer_t *writer, uint16_t value) {
    uint8_t *to = writer_take(writer, 2);
    if (to != NULL) {
        store_u16(to, value);
    }
}

void write_u32(writer_t *writer, uint32_t value) {
    uint8_t *to = writer_take(writer, 4);
    if (to != NULL) {
        store_u32(to, value);
    }
}

void write_u64(writer_t *writer, uint64_t value) {
    uint8_t *to = writer_take(writer, 8);
    if (to != NULL) {
        store_u64(to, value);
    }
}

void write_bytes(writer_t *writer, const void *from, size_t size) {
    if (size == 0) {
        return; /* always fits; `from` and the range may be null */
    }
    uint8_t *to = writer_take(writer, size);
    if (to != NULL) {
        memcpy(to, from, size);
    }
}
