/* A replicated counter: this process is a validator of its own application.
 *     synod testnet --home ./net --n 4 --app counter
 *     counter ./net/node0        (and node1, node2, node3, each in a process of its own)
 * examples/client.c adds to it. An operation is one byte, what to add; the answer the sum. */
#include <stdio.h>
#include <string.h>
#include <synod/engine.h>

typedef struct counter {
    uint8_t sum[8], saved[8]; /* the same bytes on every machine, and so the same root */
    size_t loaded;
} counter;

static synod_status on_open(void **state) {
    static counter only; /* this process has one validator */
    *state = memset(&only, 0, sizeof only);
    return SYNOD_OK;
}
static synod_status put(const uint8_t sum[8], synod_writer *to) {
    return to->put(to->context, (synod_bytes){sum, 8}) ? SYNOD_OK : SYNOD_APP_ERROR;
}
static synod_status on_execute(void *state, const synod_block_info *block, synod_bytes operation,
                               synod_writer *reply) {
    uint8_t *sum = ((counter *)state)->sum;
    (void)block;
    if (operation.size != 1) /* a client may send anything */
        return SYNOD_APP_ERROR;
    for (unsigned i = 0, carry = operation.data[0]; i < 8; i++, carry >>= 8)
        sum[i] = (uint8_t)(carry += sum[i]);
    return put(sum, reply);
}
static void on_root(void *state, synod_digest *root) { /* other states, other roots */
    memset(root, 'c', sizeof *root);
    memcpy(root->bytes, ((counter *)state)->sum, 8);
}
static void on_save(void *state) { /* what the snapshot has, while the counter goes on */
    memcpy(((counter *)state)->saved, ((counter *)state)->sum, 8);
}
static synod_status on_saved(void *state, synod_writer *writer, bool *more) {
    *more = false;
    return put(((counter *)state)->saved, writer);
}
static synod_status on_load(void *state, synod_bytes piece) { /* in pieces, then an empty one */
    counter *c = state;
    if (piece.size == 0 ? c->loaded != 8 : piece.size > 8 - c->loaded)
        return on_open(&state), SYNOD_MALFORMED;
    if (piece.size > 0)
        memcpy(c->sum + c->loaded, piece.data, piece.size);
    c->loaded = piece.size > 0 ? c->loaded + piece.size : 0;
    return SYNOD_OK;
}
static void nothing(void *state) {
    (void)state;
}

int main(int argc, char **argv) {
    const synod_app app = {.size_bytes = sizeof app,
                           .name = "counter",
                           .open = on_open,
                           .close = nothing,
                           .execute = on_execute,
                           .root = on_root,
                           .snapshot_begin = on_save,
                           .snapshot_next = on_saved,
                           .snapshot_end = nothing,
                           .snapshot_load = on_load};
    const char *home = argc > 1 ? argv[1] : "node0";
    const synod_engine_options options = {sizeof options, home, &app, .handle_signals = true};
    synod_engine *engine;
    char reason[256];
    synod_status status = synod_engine_open(&options, &engine, reason, sizeof reason);
    if (status == SYNOD_OK) {
        status = synod_engine_wait(engine, reason, sizeof reason);
        synod_engine_close(engine, NULL, 0);
    }
    if (status != SYNOD_OK)
        fprintf(stderr, "counter: %s\n", reason);
    return status == SYNOD_OK ? 0 : 1;
}
