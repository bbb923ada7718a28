/* The whole state of `kv` as one canonical stream; the format is in docs/formats/kv.md.
 *
 * Saving settles the tree, as `root` does, and then walks it piece by piece while it goes on
 * changing: the entries come in the order of the SHA-256 of their keys, as they were when it began.
 * Loading takes pieces cut anywhere and judges every field; order, bounds and the root at the end
 * decide. Whatever fails, the state is then empty. */
#include <stdlib.h>

#include "app/kv_state.h"
#include "base/check.h"
#include "crypto/hash.h"

static const uint8_t magic[8] = {'S', 'Y', 'N', 'O', 'D', 'K', 'V', 1};

enum { HEADER_BYTES = sizeof magic + 8, KEY_SIZE_BYTES = 2, VALUE_SIZE_BYTES = 4 };

/* ---- saving ---- */

static void add_bytes(kv_saver_t *saver, const void *from, size_t size) {
    size_t needed = saver->size + size;
    if (needed > saver->capacity) {
        saver->capacity = needed > 2 * saver->capacity ? needed : 2 * saver->capacity;
        saver->bytes = kv_resize(saver->bytes, saver->capacity);
    }
    if (size > 0) {
        memcpy(saver->bytes + saver->size, from, size);
    }
    saver->size = needed;
}

static void add_entry(kv_saver_t *saver, const kv_entry_t *entry) {
    uint8_t number[VALUE_SIZE_BYTES];
    store_u16(number, entry->key_size);
    add_bytes(saver, number, KEY_SIZE_BYTES);
    add_bytes(saver, entry->bytes, entry->key_size);
    store_u32(number, entry->value_size);
    add_bytes(saver, number, VALUE_SIZE_BYTES);
    add_bytes(saver, kv_entry_value(entry).data, entry->value_size);
}

void kv_snapshot_begin(void *memory) {
    kv_state_t *state = memory;
    kv_saver_t *saver = &state->saver;
    require(state->loader.field == KV_LOAD_NONE && !saver->on);
    if (state->store.changes.count > 0) { /* no root of this very state was asked for */
        kv_tree_settle_begin(&state->tree, &state->store);
    }
    saver->on = true;
    kv_kept_begin(&state->store.kept);
    uint8_t header[HEADER_BYTES];
    memcpy(header, magic, sizeof magic);
    store_u64(header + sizeof magic, state->store.entry_count);
    add_bytes(saver, header, sizeof header);
}

void kv_snapshot_root(kv_state_t *state) {
    kv_saver_t *saver = &state->saver;
    if (saver->on && !saver->rooted) {
        kv_tree_settle_end(&state->tree, &state->store);
        saver->root = kv_tree_root(&state->tree);
        saver->rooted = true;
    }
}

/* The entries of then, in order, from the first that was not given out: those of the tree that were
 * not written since, and those that were kept. Nothing changes while it is used. */
typedef struct kv_walk {
    kv_trie_cursor_t tree, kept;
    uint32_t leaf, item; /* the next of each, or KV_LEAF_NONE */
} kv_walk_t;

static void walk_on(kv_walk_t *walk, const kv_state_t *state) {
    do {
        walk->leaf = kv_trie_next(&walk->tree);
    } while (walk->leaf != KV_LEAF_NONE &&
             kv_store_entry(&state->store, walk->leaf)->touched == state->store.kept.number);
}

static void walk_start(kv_walk_t *walk, const kv_state_t *state) {
    const kv_kept_t *kept = &state->store.kept;
    const kv_trie_t *trie = &state->tree.trie;
    if (kept->passed_any) {
        bytes_t passed = bytes_of(kept->passed.bytes, sizeof kept->passed.bytes);
        uint32_t closest = kv_trie_closest(trie, passed);
        bytes_t near = {0};
        if (closest != KV_LEAF_NONE) {
            near = bytes_of(kv_tree_key_digest(&state->tree, closest)->bytes, SYNOD_DIGEST_BYTES);
        }
        kv_trie_start_after(&walk->tree, trie, passed, near);
    } else {
        kv_trie_start(&walk->tree, trie);
    }
    kv_kept_start(kept, &walk->kept);
    walk_on(walk, state);
    walk->item = kv_trie_next(&walk->kept);
}

/* Encodes what comes next: an entry, or the root behind the last one. */
static void encode_next(kv_walk_t *walk, kv_state_t *state) {
    kv_saver_t *saver = &state->saver;
    kv_kept_t *kept = &state->store.kept;
    saver->size = saver->at = 0;
    if (walk->leaf == KV_LEAF_NONE && walk->item == KV_LEAF_NONE) {
        add_bytes(saver, saver->root.bytes, sizeof saver->root.bytes);
        saver->ended = true;
        return;
    }
    const digest_t *leaf =
        walk->leaf == KV_LEAF_NONE ? NULL : kv_tree_key_digest(&state->tree, walk->leaf);
    const digest_t *item = walk->item == KV_LEAF_NONE ? NULL : &kept->items[walk->item].digest;
    if (item == NULL ||
        (leaf != NULL && memcmp(leaf->bytes, item->bytes, sizeof leaf->bytes) < 0)) {
        add_entry(saver, kv_store_entry(&state->store, walk->leaf));
        kv_kept_pass(kept, leaf, KV_LEAF_NONE);
        walk_on(walk, state);
    } else {
        add_entry(saver, kept->items[walk->item].entry);
        kv_kept_pass(kept, item, walk->item);
        walk->item = kv_trie_next(&walk->kept);
    }
}

synod_status kv_snapshot_next(void *memory, synod_writer *writer, bool *more) {
    kv_state_t *state = memory;
    kv_saver_t *saver = &state->saver;
    require(saver->on);
    kv_snapshot_root(state);
    kv_walk_t walk;
    walk_start(&walk, state);
    for (size_t room = writer->limit_bytes; room > 0;) {
        if (saver->at == saver->size && saver->ended) {
            break;
        }
        if (saver->at == saver->size) {
            encode_next(&walk, state);
        }
        size_t left = saver->size - saver->at;
        size_t size = left < room ? left : room;
        if (!writer->put(writer->context, bytes_of(saver->bytes + saver->at, size))) {
            return SYNOD_TOO_LARGE;
        }
        saver->at += size;
        room -= size;
    }
    *more = !saver->ended || saver->at < saver->size;
    return SYNOD_OK;
}

void kv_snapshot_end(void *memory) {
    kv_state_t *state = memory;
    kv_kept_end(&state->store.kept);
    free(state->saver.bytes);
    state->saver = (kv_saver_t){0};
}

/* ---- loading ---- */

static void expect_field(kv_loader_t *loader, kv_load_field_t field, size_t want_bytes) {
    loader->field = field;
    loader->want_bytes = want_bytes;
    loader->have_bytes = 0;
}

static void expect_entry(kv_loader_t *loader) {
    if (loader->entries_left > 0) {
        expect_field(loader, KV_LOAD_KEY_SIZE, KEY_SIZE_BYTES);
    } else {
        expect_field(loader, KV_LOAD_ROOT, SYNOD_DIGEST_BYTES);
    }
}

static synod_status on_header(kv_loader_t *loader, const uint8_t *field) {
    if (memcmp(field, magic, sizeof magic - 1) != 0) {
        return SYNOD_MALFORMED;
    }
    if (field[sizeof magic - 1] != magic[sizeof magic - 1]) {
        return SYNOD_BAD_VERSION;
    }
    loader->entries_left = load_u64(field + sizeof magic);
    expect_entry(loader);
    return SYNOD_OK;
}

static synod_status on_key_size(kv_loader_t *loader, const uint8_t *field) {
    uint16_t size = load_u16(field);
    if (size == 0) {
        return SYNOD_MALFORMED;
    }
    if (size > KV_KEY_BYTES_MAX) {
        return SYNOD_TOO_LARGE;
    }
    loader->key = bytes_of(loader->key_bytes, size);
    expect_field(loader, KV_LOAD_KEY, size + (size_t)VALUE_SIZE_BYTES);
    return SYNOD_OK;
}

/* Strictly growing digests: one order only, and no key twice. */
static synod_status on_key(kv_state_t *state, const uint8_t *field) {
    kv_loader_t *loader = &state->loader;
    memcpy(loader->key_bytes, field, loader->key.size);
    uint32_t value_size = load_u32(field + loader->key.size);
    digest_t digest = hash_bytes(loader->key);
    bool first = state->store.entry_count == 0;
    if (!first && memcmp(digest.bytes, loader->last_key.bytes, sizeof digest.bytes) <= 0) {
        return SYNOD_MALFORMED;
    }
    loader->last_key = digest;
    uint64_t used = state->store.used_bytes + kv_store_charge(loader->key.size, value_size);
    if (value_size > KV_VALUE_BYTES_MAX || used > state->view.used_bytes_max) {
        return SYNOD_TOO_LARGE;
    }
    expect_field(loader, KV_LOAD_VALUE, value_size);
    return SYNOD_OK;
}

static synod_status on_value(kv_state_t *state, const uint8_t *field) {
    kv_loader_t *loader = &state->loader;
    kv_spot_t spot = kv_store_find(&state->store, loader->key);
    invariant(spot.entry == NULL);
    kv_store_write(&state->store, &spot, loader->key, bytes_of(field, loader->want_bytes));
    loader->entries_left--;
    expect_entry(loader);
    return SYNOD_OK;
}

static synod_status on_field(kv_state_t *state, const uint8_t *field) {
    switch (state->loader.field) {
    case KV_LOAD_HEADER:
        return on_header(&state->loader, field);
    case KV_LOAD_KEY_SIZE:
        return on_key_size(&state->loader, field);
    case KV_LOAD_KEY:
        return on_key(state, field);
    case KV_LOAD_VALUE:
        return on_value(state, field);
    case KV_LOAD_ROOT:
        memcpy(state->loader.root.bytes, field, SYNOD_DIGEST_BYTES);
        expect_field(&state->loader, KV_LOAD_END, 1);
        return SYNOD_OK;
    case KV_LOAD_NONE:
    case KV_LOAD_END:
        break;
    }
    return SYNOD_MALFORMED; /* goes on after its end */
}

/* Memory for what pieces cut grows with what has come, not with what a size field promises. */
static void gather(kv_loader_t *loader, bytes_t bytes) {
    size_t needed = loader->have_bytes + bytes.size;
    if (needed > loader->gathered_capacity) {
        loader->gathered_capacity = kv_grown((uint32_t)loader->gathered_capacity, (uint32_t)needed);
        loader->gathered = kv_resize(loader->gathered, loader->gathered_capacity);
    }
    if (bytes.size > 0) {
        memcpy(loader->gathered + loader->have_bytes, bytes.data, bytes.size);
    }
    loader->have_bytes = needed;
}

/* The next field, straight from the piece where possible; false while some of it is missing. */
static bool next_field(kv_loader_t *loader, reader_t *piece, const uint8_t **field) {
    size_t missing = loader->want_bytes - loader->have_bytes;
    if (loader->have_bytes == 0 && reader_left(piece) >= missing) {
        *field = read_bytes(piece, missing).data;
        return true;
    }
    size_t come = reader_left(piece) < missing ? reader_left(piece) : missing;
    gather(loader, read_bytes(piece, come));
    *field = loader->gathered;
    return loader->have_bytes == loader->want_bytes;
}

static synod_status load_piece(kv_state_t *state, bytes_t bytes) {
    reader_t piece = reader_of(bytes);
    const uint8_t *field;
    while (next_field(&state->loader, &piece, &field)) {
        synod_status status = on_field(state, field);
        if (status != SYNOD_OK) {
            return status;
        }
    }
    return SYNOD_OK;
}

static synod_status finish_load(kv_state_t *state) {
    if (state->loader.field != KV_LOAD_END) {
        return SYNOD_TRUNCATED;
    }
    kv_tree_settle(&state->tree, &state->store);
    digest_t root = kv_tree_root(&state->tree);
    return digest_equal(&root, &state->loader.root) ? SYNOD_OK : SYNOD_BAD_CHECKSUM;
}

static void empty_state(kv_state_t *state) {
    uint64_t used_bytes_max = state->view.used_bytes_max;
    kv_state_close(state);
    kv_state_open(state);
    state->view.used_bytes_max = used_bytes_max;
}

synod_status kv_snapshot_load(void *memory, synod_bytes piece) {
    kv_state_t *state = memory;
    kv_loader_t *loader = &state->loader;
    if (loader->field == KV_LOAD_NONE) {
        empty_state(state);
        expect_field(loader, KV_LOAD_HEADER, HEADER_BYTES);
    }
    bool last = piece.size == 0;
    synod_status status = last ? finish_load(state) : load_piece(state, piece);
    if (status != SYNOD_OK) {
        empty_state(state);
    } else if (last) {
        free(loader->gathered);
        *loader = (kv_loader_t){.field = KV_LOAD_NONE};
    }
    return status;
}
