/* A reply while it is being made; see the header. */
#include "app/kv_reply.h"

#include <stdlib.h>

#include "app/kv_memory.h"
#include "base/check.h"

void kv_reply_free(kv_reply_t *reply) {
    free(reply->data);
    *reply = (kv_reply_t){0};
}

void kv_reply_begin(kv_reply_t *reply, size_t limit_bytes) {
    reply->size = 0;
    reply->limit_bytes = limit_bytes < KV_REPLY_BYTES_MAX ? limit_bytes : KV_REPLY_BYTES_MAX;
}

uint8_t *kv_reply_extend(kv_reply_t *reply, size_t size) {
    if (size > kv_reply_left(reply)) {
        return NULL;
    }
    size_t needed = reply->size + size;
    if (needed > reply->capacity) {
        reply->capacity = kv_grown((uint32_t)reply->capacity, (uint32_t)needed);
        reply->data = kv_resize(reply->data, reply->capacity);
    }
    uint8_t *to = reply->data + reply->size;
    reply->size = needed;
    return to;
}

void kv_reply_fail(kv_reply_t *reply, kv_error_t error, uint16_t index) {
    require(error != KV_OK && reply->limit_bytes >= KV_REPLY_BYTES_MIN);
    reply->size = 0;
    uint8_t *to = kv_reply_extend(reply, 3);
    to[0] = (uint8_t)error;
    store_u16(to + 1, index);
}
