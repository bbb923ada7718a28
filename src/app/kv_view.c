/* The state as a running operation sees it; see the header. */
#include "app/kv_view.h"

#include "base/check.h"

void kv_view_open(kv_view_t *view) {
    kv_trie_open(&view->written);
    view->pending_count = 0;
    view->used_bytes_max = KV_STATE_BYTES_MAX;
}

void kv_view_close(kv_view_t *view) {
    kv_trie_close(&view->written);
}

void kv_view_begin(kv_view_t *view, const kv_store_t *store) {
    if (view->pending_count > 0) {
        kv_trie_clear(&view->written);
        view->pending_count = 0;
    }
    view->used_bytes = store->used_bytes;
}

kv_sight_t kv_view_look(const kv_view_t *view, kv_store_t *store, bytes_t key) {
    kv_sight_t sight = {.key = key, .pending = kv_trie_closest(&view->written, key)};
    if (sight.pending != KV_LEAF_NONE) {
        const kv_pending_t *pending = &view->pending[sight.pending];
        sight.is_pending = bytes_equal(pending->key, key);
        if (sight.is_pending) {
            sight.value = pending->value;
            return sight;
        }
    }
    sight.spot = kv_store_find(store, key);
    sight.value.present = sight.spot.entry != NULL;
    if (sight.value.present) {
        sight.value.value = kv_entry_value(sight.spot.entry);
    }
    return sight;
}

static uint64_t charge_of(bytes_t key, kv_maybe_t value) {
    return value.present ? kv_store_charge(key.size, value.value.size) : 0;
}

static kv_pending_t *add_pending(kv_view_t *view, const kv_sight_t *sight) {
    require(view->pending_count < KV_TRANSACTION_OPERATIONS_MAX);
    bytes_t closest = {NULL, 0};
    if (sight->pending != KV_LEAF_NONE) {
        closest = view->pending[sight->pending].key;
    }
    uint32_t at = view->pending_count++;
    kv_trie_insert(&view->written, sight->key, closest, at);
    view->pending[at].key = sight->key;
    if (at == 0) {
        view->first_spot = sight->spot;
    }
    return &view->pending[at];
}

/* The pending write of the key, now with `value`; NULL when that would fill the state. A write that
 * needs no more room than before is let through even in a full state. */
static kv_pending_t *put_pending(kv_view_t *view, const kv_sight_t *sight, kv_maybe_t value) {
    uint64_t before = charge_of(sight->key, sight->value);
    uint64_t after = charge_of(sight->key, value);
    uint64_t used_bytes = view->used_bytes - before + after;
    if (after > before && used_bytes > view->used_bytes_max) {
        return NULL;
    }
    kv_pending_t *pending =
        sight->is_pending ? &view->pending[sight->pending] : add_pending(view, sight);
    pending->value = value;
    view->used_bytes = used_bytes;
    return pending;
}

kv_error_t kv_view_put(kv_view_t *view, const kv_sight_t *sight, kv_maybe_t value) {
    return put_pending(view, sight, value) == NULL ? KV_STATE_FULL : KV_OK;
}

kv_error_t kv_view_put_number(kv_view_t *view, const kv_sight_t *sight, int64_t number) {
    kv_maybe_t value = {.present = true, .value = {NULL, KV_NUMBER_BYTES}};
    kv_pending_t *pending = put_pending(view, sight, value);
    if (pending == NULL) {
        return KV_STATE_FULL;
    }
    store_u64(pending->number, (uint64_t)number);
    pending->value.value.data = pending->number;
    return KV_OK;
}

void kv_view_commit(kv_view_t *view, kv_store_t *store) {
    for (uint32_t i = 0; i < view->pending_count; i++) {
        const kv_pending_t *pending = &view->pending[i];
        kv_spot_t found, *spot = &view->first_spot;
        if (i > 0) {
            found = kv_store_find(store, pending->key);
            spot = &found;
        }
        if (pending->value.present) {
            kv_store_write(store, spot, pending->key, pending->value.value);
        } else if (spot->entry != NULL) {
            kv_store_remove(store, spot);
        }
    }
    ensure(store->used_bytes == view->used_bytes);
    kv_view_begin(view, store);
}
