/* Growing buffers. Invariants: head <= tail <= capacity; budget->used_bytes is the sum of the
 * capacities of the buffers that it pays for. */
#include "adapter/buffer.h"

#include <stdlib.h>

#include "base/check.h"

#define BUFFER_FIRST_BYTES ((size_t)4096)

static bool grow(buffer_t *buffer, size_t wanted) {
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : BUFFER_FIRST_BYTES;
    while (capacity < wanted) {
        capacity *= 2;
    }
    budget_t *budget = buffer->budget;
    size_t more = capacity - buffer->capacity;
    if (budget->limit_bytes < more || budget->used_bytes > budget->limit_bytes - more) {
        return false;
    }
    uint8_t *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        return false;
    }
    budget->used_bytes += more;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

uint8_t *buffer_reserve(buffer_t *buffer, size_t size) {
    require(size <= SIZE_MAX / 4);
    size_t held = buffer_size(buffer);
    if (buffer->capacity - buffer->tail < size && buffer->head > 0 &&
        (held <= buffer->capacity / 2 || buffer->capacity - held >= size)) {
        memmove(buffer->data, buffer->data + buffer->head, held);
        buffer->head = 0;
        buffer->tail = held;
    }
    if (buffer->capacity - buffer->tail < size && !grow(buffer, buffer->tail + size)) {
        return NULL;
    }
    return buffer->data + buffer->tail;
}

void buffer_fill(buffer_t *buffer, size_t size) {
    require(size <= buffer->capacity - buffer->tail);
    buffer->tail += size;
}

bool buffer_append(buffer_t *buffer, bytes_t bytes) {
    if (bytes.size == 0) {
        return true;
    }
    uint8_t *room = buffer_reserve(buffer, bytes.size);
    if (room == NULL) {
        return false;
    }
    memcpy(room, bytes.data, bytes.size);
    buffer->tail += bytes.size;
    return true;
}

void buffer_consume(buffer_t *buffer, size_t size) {
    require(size <= buffer_size(buffer));
    buffer->head += size;
    if (buffer->head == buffer->tail) {
        buffer->head = buffer->tail = 0;
    }
}

void buffer_trim(buffer_t *buffer) {
    if (buffer_size(buffer) == 0) {
        buffer_free(buffer);
    }
}

void buffer_free(buffer_t *buffer) {
    if (buffer->capacity > 0) {
        invariant(buffer->budget->used_bytes >= buffer->capacity);
        buffer->budget->used_bytes -= buffer->capacity;
    }
    free(buffer->data);
    buffer->data = NULL;
    buffer->head = buffer->tail = buffer->capacity = 0;
}

void buffer_charge(buffer_t *buffer, budget_t *budget) {
    buffer->budget->used_bytes -= buffer->capacity;
    budget->used_bytes += buffer->capacity;
    buffer->budget = budget;
}
