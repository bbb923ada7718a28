/* The byte queue; memory grows to the largest need and is then reused. */
#include "bench/support/floor_buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bench/support/floor.h"

uint8_t *floor_buffer_reserve(struct floor_buffer *buffer, size_t size_bytes) {
    size_t used_bytes = floor_buffer_size(buffer);
    if (buffer->capacity - buffer->end >= size_bytes && buffer->data != NULL) {
        return buffer->data + buffer->end;
    }
    if (buffer->start > 0) {
        assert(buffer->data != NULL);
        memmove(buffer->data, floor_buffer_head(buffer), used_bytes);
        buffer->start = 0;
        buffer->end = used_bytes;
    }
    if (buffer->capacity - used_bytes < size_bytes || buffer->data == NULL) {
        size_t capacity = (used_bytes + size_bytes) * 2;
        uint8_t *data = realloc(buffer->data, capacity);
        if (data == NULL) {
            floor_fatal("out of memory for a buffer of %zu bytes", capacity);
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->end;
}

void floor_buffer_append(struct floor_buffer *buffer, const void *bytes, size_t size_bytes) {
    if (size_bytes > 0) {
        memcpy(floor_buffer_reserve(buffer, size_bytes), bytes, size_bytes);
        buffer->end += size_bytes;
    }
}

void floor_buffer_consume(struct floor_buffer *buffer, size_t size_bytes) {
    assert(size_bytes <= floor_buffer_size(buffer));
    buffer->start += size_bytes;
    if (buffer->start == buffer->end) {
        /* Starting over keeps the bytes in cache and saves the move. */
        buffer->start = 0;
        buffer->end = 0;
    }
}

void floor_buffer_free(struct floor_buffer *buffer) {
    free(buffer->data);
    *buffer = (struct floor_buffer){0};
}
