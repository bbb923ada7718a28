/* The application `kv`: keys and values in memory under a Merkle root. What it promises and what it
 * costs: docs/formats/kv.md and docs/adr/0002-kv-state-and-proofs.md. */
#include <stdlib.h>

#include "app/kv_state.h"
#include "base/check.h"

/* Of the tree's work in one piece: about a millisecond. */
#define ROOT_PIECE_ITEMS 1024u

void kv_state_open(kv_state_t *state) {
    kv_store_open(&state->store);
    kv_tree_open(&state->tree);
    kv_view_open(&state->view);
    state->reply = (kv_reply_t){0};
    state->loader = (kv_loader_t){.field = KV_LOAD_NONE};
    state->saver = (kv_saver_t){0};
}

void kv_state_close(kv_state_t *state) {
    kv_snapshot_end(state);
    kv_store_close(&state->store);
    kv_tree_close(&state->tree);
    kv_view_close(&state->view);
    kv_reply_free(&state->reply);
    free(state->loader.gathered);
}

static synod_status kv_open(void **memory) {
    kv_state_t *state = malloc(sizeof *state);
    if (state == NULL) {
        return SYNOD_NO_MEMORY;
    }
    kv_state_open(state);
    *memory = state;
    return SYNOD_OK;
}

static void kv_bound(void *memory, uint64_t state_bytes_max) {
    kv_state_t *state = memory;
    require(state->store.used_bytes == 0);
    state->view.used_bytes_max =
        state_bytes_max < KV_STATE_BYTES_MAX ? state_bytes_max : KV_STATE_BYTES_MAX;
}

static void kv_close(void *memory) {
    if (memory != NULL) {
        kv_state_close(memory);
        free(memory);
    }
}

static void kv_root_begin(void *memory) {
    kv_state_t *state = memory;
    require(state->loader.field == KV_LOAD_NONE);
    kv_snapshot_root(state);
    kv_tree_settle_begin(&state->tree, &state->store);
}

static bool kv_root_next(void *memory, synod_digest *root) {
    kv_state_t *state = memory;
    bool settled = kv_tree_settle_next(&state->tree, &state->store, ROOT_PIECE_ITEMS);
    if (settled) {
        *root = kv_tree_root(&state->tree);
    }
    return settled;
}

static void kv_root(void *memory, synod_digest *root) {
    kv_state_t *state = memory;
    kv_root_begin(memory);
    kv_tree_settle_end(&state->tree, &state->store);
    *root = kv_tree_root(&state->tree);
}

const synod_app *synod_app_kv(void) {
    static const synod_app app = {
        .size_bytes = sizeof app,
        .name = "kv",
        .open = kv_open,
        .close = kv_close,
        .check = kv_check,
        .execute = kv_execute,
        .root = kv_root,
        .query = kv_query,
        .verify = kv_verify,
        .snapshot_begin = kv_snapshot_begin,
        .snapshot_next = kv_snapshot_next,
        .snapshot_end = kv_snapshot_end,
        .snapshot_load = kv_snapshot_load,
        .bound = kv_bound,
        .expect = kv_expect,
        .root_begin = kv_root_begin,
        .root_next = kv_root_next,
    };
    return &app;
}
