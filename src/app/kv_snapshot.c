/* The whole state of `kv` as one canonical stream; the format is in docs/formats/kv.md.
 *
 * Saving settles the tree, as `root` does, and walks it: the entries come in the order of the
 * SHA-256 of their keys. Loading takes pieces cut anywhere and judges every field; order, bounds
 * and the root at the end decide. Whatever fails, the state is then empty. */
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
    require(state->loader.field == KV_LOAD_NONE && saver->bytes == NULL);
    kv_tree_settle(&state->tree, &state->store);
    uint8_t header[HEADER_BYTES];
    memcpy(header, magic, sizeof magic);
    store_u64(header + sizeof magic, state->store.entry_count);
    add_bytes(saver, header, sizeof header);
    kv_trie_cursor_t cursor;
    kv_trie_start(&cursor, &state->tree.trie);
    for (uint32_t leaf; (leaf = kv_trie_next(&cursor)) != KV_LEAF_NONE;) {
        add_entry(saver, kv_store_entry(&state->store, leaf));
    }
    digest_t root = kv_tree_root(&state->tree);
    add_bytes(saver, root.bytes, sizeof root.bytes);
}

synod_status kv_snapshot_next(void *memory, synod_writer *writer, bool *more) {
    kv_saver_t *saver = &((kv_state_t *)memory)->saver;
    require(saver->bytes != NULL);
    size_t left = saver->size - saver->at;
    size_t size = left < writer->limit_bytes ? left : writer->limit_bytes;
    if (size > 0 && !writer->put(writer->context, bytes_of(saver->bytes + saver->at, size))) {
        return SYNOD_TOO_LARGE;
    }
    saver->at += size;
    *more = saver->at < saver->size;
    return SYNOD_OK;
}

void kv_snapshot_end(void *memory) {
    kv_saver_t *saver = &((kv_state_t *)memory)->saver;
    free(saver->bytes);
    *saver = (kv_saver_t){0};
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
