/* The application `null`: executes nothing, replies nothing, has one root. For measuring everything
 * around an application. It has no state, so its snapshot is the empty stream. */
#include <synod/app.h>

#include "crypto/hash.h"

static synod_status null_open(void **memory) {
    static char nothing; /* an address that is not NULL, never written to */
    *memory = &nothing;
    return SYNOD_OK;
}

static void null_close(void *memory) {
    (void)memory;
}

static synod_status null_execute(void *memory, const synod_block_info *block, synod_bytes operation,
                                 synod_writer *reply) {
    (void)memory;
    (void)block;
    (void)operation;
    (void)reply;
    return SYNOD_OK;
}

static void null_root(void *memory, synod_digest *root) {
    (void)memory;
    static const char name[] = "synod null";
    *root = hash_bytes(bytes_of(name, sizeof name - 1));
}

static void null_snapshot_mark(void *memory) {
    (void)memory;
}

static synod_status null_snapshot_next(void *memory, synod_writer *writer, bool *more) {
    (void)memory;
    (void)writer;
    *more = false;
    return SYNOD_OK;
}

static synod_status null_snapshot_load(void *memory, synod_bytes piece) {
    (void)memory;
    return piece.size == 0 ? SYNOD_OK : SYNOD_MALFORMED;
}

const synod_app *synod_app_null(void) {
    static const synod_app app = {
        .size_bytes = sizeof app,
        .name = "null",
        .open = null_open,
        .close = null_close,
        .execute = null_execute,
        .root = null_root,
        .snapshot_begin = null_snapshot_mark,
        .snapshot_next = null_snapshot_next,
        .snapshot_end = null_snapshot_mark,
        .snapshot_load = null_snapshot_load,
    };
    return &app;
}
