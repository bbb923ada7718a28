/*
 * A byte queue in one piece of memory: bytes are added at the end and taken from the start.
 * Invariant: start <= end <= capacity; the content is data[start..end).
 */
#ifndef SYNOD_BENCH_FLOOR_BUFFER_H
#define SYNOD_BENCH_FLOOR_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct floor_buffer {
    uint8_t *data;
    size_t start;
    size_t end;
    size_t capacity;
};

static inline size_t floor_buffer_size(const struct floor_buffer *buffer) {
    return buffer->end - buffer->start;
}

static inline uint8_t *floor_buffer_head(const struct floor_buffer *buffer) {
    return buffer->data + buffer->start;
}

/* Room for at least size_bytes at the end; the caller moves `end` over what it wrote there. */
uint8_t *floor_buffer_reserve(struct floor_buffer *buffer, size_t size_bytes);

void floor_buffer_append(struct floor_buffer *buffer, const void *bytes, size_t size_bytes);

void floor_buffer_consume(struct floor_buffer *buffer, size_t size_bytes);

void floor_buffer_free(struct floor_buffer *buffer);

#endif
