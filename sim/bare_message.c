/* Messages of the bare cluster: one deep copy a broadcast, counted references. */
#include <stdlib.h>

#include "base/arena.h"
#include "sim/bare_state.h"

certificate_t *bare_certificate_copy(const certificate_t *certificate) {
    size_t size = certificate_size(certificate);
    certificate_t *copy = malloc(size);
    require(copy != NULL);
    memcpy(copy, certificate, size);
    return copy;
}

static size_t message_size(const message_t *message) {
    size_t size = arena_cost(sizeof(shared_t)) + arena_cost(message->share.size);
    if (message->block != NULL)
        size += arena_cost(block_bytes(message->block->parent_count));
    for (uint32_t i = 0; i < MESSAGE_CERTIFICATES_MAX; i++)
        if (message->certificates[i] != NULL)
            size += arena_cost(certificate_size(message->certificates[i]));
    return size;
}

/* Copies `size` bytes to `*at` and moves it on. */
static const void *put(uint8_t **at, const void *from, size_t size) {
    const void *place = *at;
    memcpy(*at, from, size);
    *at += arena_cost(size);
    return place;
}

shared_t *bare_shared_of(const message_t *message) {
    uint8_t *at = malloc(message_size(message));
    require(at != NULL);
    shared_t *shared = (shared_t *)(void *)at;
    *shared = (shared_t){.message = *message, .references = 1};
    at += arena_cost(sizeof *shared);
    if (message->block != NULL)
        shared->message.block = put(&at, message->block, block_bytes(message->block->parent_count));
    for (uint32_t i = 0; i < MESSAGE_CERTIFICATES_MAX; i++)
        if (message->certificates[i] != NULL)
            shared->message.certificates[i] =
                put(&at, message->certificates[i], certificate_size(message->certificates[i]));
    if (message->share.size > 0)
        shared->message.share.data = put(&at, message->share.data, message->share.size);
    return shared;
}

shared_t *bare_shared_take(shared_t *shared) {
    shared->references++;
    return shared;
}

void bare_shared_drop(shared_t *shared) {
    require(shared->references > 0);
    if (--shared->references == 0)
        free(shared);
}
