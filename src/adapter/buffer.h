/* Buffer: bytes in, bytes out, in order; grows on demand within the budget that it shares with
 * others, and gives its memory back when it is empty and told to. */
#ifndef ADAPTER_BUFFER_H
#define ADAPTER_BUFFER_H

#include "base/bytes.h"

/* Memory that several buffers share; what strangers can make us hold is bounded by one of these. */
typedef struct budget {
    size_t used_bytes, limit_bytes;
} budget_t;

typedef struct buffer {
    uint8_t *data;
    size_t head, tail, capacity;
    budget_t *budget; /* may change hands by buffer_charge only */
} buffer_t;

static inline size_t buffer_size(const buffer_t *buffer) {
    return buffer->tail - buffer->head;
}
static inline bytes_t buffer_bytes(const buffer_t *buffer) {
    return bytes_of(buffer->data + buffer->head, buffer_size(buffer));
}
/* Room for `size` more bytes, contiguous, at the returned place; NULL when the budget or the memory
 * is used up. What was there may move. */
uint8_t *buffer_reserve(buffer_t *buffer, size_t size);
/* `size` of the reserved bytes were filled. */
void buffer_fill(buffer_t *buffer, size_t size);
/* False when there is no room. */
bool buffer_append(buffer_t *buffer, bytes_t bytes);
/* The first `size` bytes go. */
void buffer_consume(buffer_t *buffer, size_t size);
/* Gives the memory back if the buffer is empty. */
void buffer_trim(buffer_t *buffer);
void buffer_free(buffer_t *buffer);
/* From now on another budget pays, also for what is held. */
void buffer_charge(buffer_t *buffer, budget_t *budget);

#endif
