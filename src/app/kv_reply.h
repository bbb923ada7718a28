/* A reply while it is being made: gathered here, because an operation that fails half-way answers
 * with its error alone, and because a synod_writer takes nothing back. */
#ifndef APP_KV_REPLY_H
#define APP_KV_REPLY_H

#include "app/kv_format.h"

typedef struct kv_reply {
    uint8_t *data;
    size_t size, capacity;
    size_t limit_bytes; /* of this reply */
} kv_reply_t;

void kv_reply_free(kv_reply_t *reply);
void kv_reply_begin(kv_reply_t *reply, size_t limit_bytes);
static inline size_t kv_reply_left(const kv_reply_t *reply) {
    return reply->limit_bytes - reply->size;
}
/* Appends `size` bytes and returns where they are to be written, until the next call; NULL when the
 * limit would be passed. */
uint8_t *kv_reply_extend(kv_reply_t *reply, size_t size);
/* Replaces all by an error. */
void kv_reply_fail(kv_reply_t *reply, kv_error_t error, uint16_t index);
static inline bytes_t kv_reply_bytes(const kv_reply_t *reply) {
    return bytes_of(reply->data, reply->size);
}

#endif
