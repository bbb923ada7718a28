/* The application of the replica under test: echoes, and counts what it executed. */
#ifndef TESTS_UNIT_REPLICA_ECHO_H
#define TESTS_UNIT_REPLICA_ECHO_H

#include <stdlib.h>
#include <synod/app.h>

#include "crypto/hash.h"

static uint64_t *echo_counter;

static inline synod_status echo_open(void **state) {
    *state = calloc(1, 8);
    return *state == NULL ? SYNOD_NO_MEMORY : SYNOD_OK;
}

static inline void echo_close(void *state) {
    free(state);
}

static inline synod_status echo_execute(void *state, const synod_block_info *block,
                                        synod_bytes operation, synod_writer *reply) {
    (void)block;
    *(uint64_t *)state = *(uint64_t *)state * 31 + (operation.size > 0 ? operation.data[0] : 0);
    if (echo_counter != NULL)
        *echo_counter += 1;
    return reply->put(reply->context, operation) ? SYNOD_OK : SYNOD_APP_ERROR;
}

static inline void echo_root(void *state, synod_digest *root) {
    *root = hash_bytes(bytes_of(state, 8));
}

/* The same in pieces, as many for each root as the test says. */
static uint32_t echo_pieces, echo_left;
static synod_digest echo_rooted;

static inline void echo_root_begin(void *state) {
    echo_root(state, &echo_rooted);
    echo_left = echo_pieces;
}

static inline bool echo_root_next(void *state, synod_digest *root) {
    (void)state;
    *root = echo_rooted;
    echo_left -= echo_left > 0 ? 1 : 0;
    return echo_left == 0;
}

static inline synod_status echo_query(void *state, synod_bytes query, bool prove,
                                      synod_writer *reply, synod_writer *proof) {
    (void)state;
    return reply->put(reply->context, query) && (!prove || proof->put(proof->context, query))
               ? SYNOD_OK
               : SYNOD_TOO_LARGE;
}

static uint8_t echo_saved[8];

static inline void echo_save_begin(void *state) {
    memcpy(echo_saved, state, sizeof echo_saved);
}

static inline synod_status echo_save_next(void *state, synod_writer *writer, bool *more) {
    (void)state;
    *more = false;
    return writer->put(writer->context, (synod_bytes){echo_saved, sizeof echo_saved})
               ? SYNOD_OK
               : SYNOD_TOO_LARGE;
}

static inline void echo_save_end(void *state) {
    (void)state;
}

static inline synod_status echo_load(void *state, synod_bytes piece) {
    if (piece.size == 0)
        return SYNOD_OK;
    if (piece.size != 8)
        return SYNOD_MALFORMED;
    memcpy(state, piece.data, 8);
    return SYNOD_OK;
}

static const synod_app echo_app = {.size_bytes = sizeof(synod_app),
                                   .name = "echo",
                                   .open = echo_open,
                                   .close = echo_close,
                                   .execute = echo_execute,
                                   .root = echo_root,
                                   .snapshot_begin = echo_save_begin,
                                   .snapshot_next = echo_save_next,
                                   .snapshot_end = echo_save_end,
                                   .snapshot_load = echo_load};

/* That answers reads and gives its root in pieces. */
static inline const synod_app *echo_slow(void) {
    static synod_app slow;
    slow = echo_app;
    slow.query = echo_query;
    slow.root_begin = echo_root_begin;
    slow.root_next = echo_root_next;
    return &slow;
}

#endif
