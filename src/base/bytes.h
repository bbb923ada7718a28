/* Bytes: borrowed ranges, little-endian loads and stores, bounded reader and writer.
 *
 * The reader and the writer never run past their range: the first access beyond it latches `failed`
 * and every later one returns zero or writes nothing, so that a decoder checks once at the end. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <string.h>
#include <synod/types.h>

typedef synod_bytes bytes_t;
typedef synod_digest digest_t;

static inline bytes_t bytes_of(const void *data, size_t size) {
    return (bytes_t){(const uint8_t *)data, size};
}

static inline bool bytes_equal(bytes_t a, bytes_t b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool digest_equal(const digest_t *a, const digest_t *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static inline bool digest_is_zero(const digest_t *digest) {
    static const digest_t zero;
    return digest_equal(digest, &zero);
}

/* First eight bytes as a number: a table key or a short name in a trace, no security property. */
uint64_t digest_prefix(const digest_t *digest);

/* Shifts, so that nothing depends on the machine's order; compilers make one move of each. */
static inline void store_u16(uint8_t *to, uint16_t value) {
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}
static inline void store_u32(uint8_t *to, uint32_t value) {
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
    to[2] = (uint8_t)(value >> 16);
    to[3] = (uint8_t)(value >> 24);
}
static inline void store_u64(uint8_t *to, uint64_t value) {
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
    to[2] = (uint8_t)(value >> 16);
    to[3] = (uint8_t)(value >> 24);
    to[4] = (uint8_t)(value >> 32);
    to[5] = (uint8_t)(value >> 40);
    to[6] = (uint8_t)(value >> 48);
    to[7] = (uint8_t)(value >> 56);
}
static inline uint16_t load_u16(const uint8_t *from) {
    return (uint16_t)(from[0] | from[1] << 8);
}
static inline uint32_t load_u32(const uint8_t *from) {
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}
static inline uint64_t load_u64(const uint8_t *from) {
    return (uint64_t)from[0] | (uint64_t)from[1] << 8 | (uint64_t)from[2] << 16 |
           (uint64_t)from[3] << 24 | (uint64_t)from[4] << 32 | (uint64_t)from[5] << 40 |
           (uint64_t)from[6] << 48 | (uint64_t)from[7] << 56;
}

typedef struct reader {
    const uint8_t *data;
    size_t size, at;
    bool failed;
} reader_t;

reader_t reader_of(bytes_t bytes);
uint8_t read_u8(reader_t *reader);
uint16_t read_u16(reader_t *reader);
uint32_t read_u32(reader_t *reader);
uint64_t read_u64(reader_t *reader);
/* Borrows `size` bytes of the range; NULL data when there are fewer. */
bytes_t read_bytes(reader_t *reader, size_t size);
/* Copies exactly `size` bytes, zero-filled on failure. */
void read_into(reader_t *reader, void *to, size_t size);
static inline size_t reader_left(const reader_t *reader) {
    return reader->size - reader->at;
}
/* True when nothing failed and nothing is left over. */
static inline bool reader_done(const reader_t *reader) {
    return !reader->failed && reader->at == reader->size;
}

typedef struct writer {
    uint8_t *data;
    size_t size, at;
    bool failed;
} writer_t;

writer_t writer_of(void *data, size_t size);
void write_u8(writer_t *writer, uint8_t value);
void write_u16(writer_t *writer, uint16_t value);
void write_u32(writer_t *writer, uint32_t value);
void write_u64(writer_t *writer, uint64_t value);
void write_bytes(writer_t *writer, const void *from, size_t size);
static inline bytes_t writer_bytes(const writer_t *writer) {
    return bytes_of(writer->data, writer->at);
}

#endif
