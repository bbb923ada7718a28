/* The entries of `kv`; see the header. */
#include "app/kv_store.h"

#include <stdlib.h>

#include "app/kv_format.h"
#include "base/check.h"

enum {
    /* Up to here an image is a copy; above, it is the old block itself. */
    IMAGE_COPY_BYTES_MAX = 4096,
    /* A block that a value leaves this empty is given back. */
    SPARE_BYTES_MAX = 1024,
    ENTRY_LOADED_BYTES = 192,
    SLOT_NONE = 0 /* slot 0 is never used, so that 0 can end the free list */
};

void kv_store_open(kv_store_t *store) {
    *store = (kv_store_t){.slot_count = 1};
    kv_order_open(&store->order);
}

uint64_t kv_store_charge(size_t key_bytes, size_t value_bytes) {
    return KV_ENTRY_CHARGE_BYTES + (uint64_t)key_bytes + value_bytes;
}

/* ---- blocks and slots ---- */

/* Rounds up to the sizes that malloc hands out anyway (16 k + 8), so that a value can grow a little
 * in place. */
static kv_entry_t *new_entry(bytes_t key, size_t value_bytes) {
    size_t needed = sizeof(kv_entry_t) + key.size + value_bytes;
    size_t size = ((needed + 8 + 15) & ~(size_t)15) - 8;
    kv_entry_t *entry = kv_allocate(size);
    *entry = (kv_entry_t){.value_capacity = (uint32_t)(size - sizeof *entry - key.size),
                          .change = KV_CHANGE_NONE,
                          .key_size = (uint16_t)key.size};
    memcpy(entry->bytes, key.data, key.size);
    return entry;
}

static void put_value(kv_entry_t *entry, bytes_t value) {
    require(value.size <= entry->value_capacity);
    entry->value_size = (uint32_t)value.size;
    if (value.size > 0) {
        memcpy(entry->bytes + entry->key_size, value.data, value.size);
    }
}

static uint32_t take_slot(kv_store_t *store, kv_entry_t *entry) {
    uint32_t leaf = store->free_slot;
    if (leaf != SLOT_NONE) {
        store->free_slot = store->slots[leaf].next_free;
    } else {
        if (store->slot_count >= store->slot_capacity) {
            store->slot_capacity = kv_grown(store->slot_capacity, store->slot_count + 1);
            store->slots = kv_resize(store->slots, store->slot_capacity * sizeof store->slots[0]);
        }
        leaf = store->slot_count++;
    }
    store->slots[leaf].entry = entry;
    return leaf;
}

static void free_slot(kv_store_t *store, uint32_t leaf) {
    free(store->slots[leaf].entry);
    store->slots[leaf].next_free = store->free_slot;
    store->free_slot = leaf;
}

/* ---- changes ---- */

static bool is_changed(const kv_store_t *store, const kv_entry_t *entry) {
    return entry->change != KV_CHANGE_NONE && (entry->change & KV_CHANGE_ERA) == store->era;
}

static bool is_settling(const kv_store_t *store, const kv_entry_t *entry) {
    return entry->change != KV_CHANGE_NONE && (entry->change & KV_CHANGE_ERA) != store->era;
}

/* Was it there when the last settling began? */
static bool was_there(const kv_store_t *store, const kv_entry_t *entry) {
    return entry->in_tree || entry->due || is_settling(store, entry);
}

static void add_change(kv_store_t *store, kv_entry_t *entry, uint32_t leaf, bytes_t image) {
    kv_changes_t *changes = &store->changes;
    if (changes->count == changes->capacity) {
        changes->capacity = kv_grown(changes->capacity, changes->count + 1);
        changes->items = kv_resize(changes->items, changes->capacity * sizeof changes->items[0]);
    }
    entry->change = changes->count | store->era;
    changes->items[changes->count++] = (kv_change_t){.image = image, .leaf = leaf};
}

static void drop_change(kv_store_t *store, const kv_entry_t *entry) {
    kv_changes_t *changes = &store->changes;
    kv_change_t last = changes->items[--changes->count];
    uint32_t at = entry->change & ~KV_CHANGE_ERA;
    if (at != changes->count) {
        changes->items[at] = last;
        store->slots[last.leaf].entry->change = entry->change;
    }
}

/* Before an entry changes for the first time since the settling began: lists it, keeps its value.
 * True when the value was kept by giving the whole block away, so that the entry needs another
 * one. */
static bool keep_image(kv_store_t *store, kv_entry_t *entry, uint32_t leaf) {
    if (is_changed(store, entry)) {
        return false;
    }
    invariant(was_there(store, entry));
    bytes_t image = kv_entry_value(entry);
    bool give = image.size > IMAGE_COPY_BYTES_MAX;
    if (give) {
        kv_copies_adopt(&store->images, entry);
    } else {
        image.data = kv_copies_add(&store->images, image);
    }
    entry->due = !entry->in_tree;
    add_change(store, entry, leaf, image);
    return give;
}

/* Moves the entry to a block for `value_bytes`; the old one is freed unless it was given away. */
static kv_entry_t *replace_block(kv_store_t *store, kv_entry_t *old, uint32_t leaf,
                                 size_t value_bytes, bool given) {
    kv_entry_t *entry = new_entry(kv_entry_key(old), value_bytes);
    entry->change = old->change;
    entry->in_tree = old->in_tree;
    entry->due = old->due;
    entry->touched = old->touched;
    store->slots[leaf].entry = entry;
    if (!given) {
        free(old);
    }
    return entry;
}

/* ---- reads and writes ---- */

static void search(const kv_store_t *store, bytes_t key, kv_spot_t *spot) {
    spot->leaf = kv_order_find(&store->order, store->slots, key, &spot->path);
    spot->has_path = true;
}

kv_spot_t kv_store_find(kv_store_t *store, bytes_t key) {
    kv_spot_t spot;
    spot.hash = kv_hints_hash(key);
    spot.has_path = false;
    spot.leaf = kv_hints_find(&store->hints, store->slots, key, spot.hash);
    if (spot.leaf == KV_LEAF_NONE) {
        search(store, key, &spot);
        if (spot.leaf != KV_LEAF_NONE) {
            kv_hints_put(&store->hints, store->entry_count, spot.hash, spot.leaf);
        }
    }
    spot.entry = spot.leaf != KV_LEAF_NONE ? store->slots[spot.leaf].entry : NULL;
    return spot;
}

/* Header, key and a value of a hundred bytes or so; it is only loaded, so the end of the block does
 * not matter. */
static void load_entry(const kv_entry_t *entry) {
    for (size_t at = 0; at < ENTRY_LOADED_BYTES; at += KV_CACHE_LINE_BYTES) {
        __builtin_prefetch((const void *)((uintptr_t)entry + at), 1);
    }
}

/* One by one an operation waits for memory three times, each time for the place of the next: hint,
 * slot, entry. Here each wait is that of all. */
void kv_store_expect(const kv_store_t *store, const bytes_t *keys, uint32_t count) {
    uint32_t found[KV_EXPECTED_MAX]; /* a hash, then a leaf */
    require(count <= KV_EXPECTED_MAX);
    for (uint32_t i = 0; i < count; i++) {
        found[i] = kv_hints_hash(keys[i]);
        kv_hints_load(&store->hints, found[i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        found[i] = kv_hints_guess(&store->hints, found[i]);
        if (found[i] != KV_LEAF_NONE) {
            __builtin_prefetch(&store->slots[found[i]]);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (found[i] != KV_LEAF_NONE) {
            load_entry(store->slots[found[i]].entry);
        }
    }
}

static void insert_entry(kv_store_t *store, const kv_spot_t *spot, bytes_t key, bytes_t value) {
    kv_entry_t *entry = new_entry(key, value.size);
    put_value(entry, value);
    entry->touched = store->kept.number;
    uint32_t leaf = take_slot(store, entry);
    kv_order_insert(&store->order, store->slots, &spot->path, leaf);
    add_change(store, entry, leaf, (bytes_t){NULL, 0});
    store->entry_count++;
    kv_hints_put(&store->hints, store->entry_count, spot->hash, leaf);
    store->used_bytes += kv_store_charge(key.size, value.size);
}

void kv_store_write(kv_store_t *store, const kv_spot_t *spot, bytes_t key, bytes_t value) {
    require(key.size > 0 && key.size <= KV_KEY_BYTES_MAX && value.size <= KV_VALUE_BYTES_MAX);
    if (spot->entry == NULL) {
        insert_entry(store, spot, key, value);
        return;
    }
    kv_entry_t *entry = spot->entry;
    kv_kept_touch(&store->kept, entry);
    store->used_bytes = store->used_bytes - entry->value_size + value.size;
    bool given = keep_image(store, entry, spot->leaf);
    bool too_small = value.size > entry->value_capacity;
    bool too_large =
        entry->value_capacity > SPARE_BYTES_MAX && value.size < entry->value_capacity / 4;
    if (given || too_small || too_large) {
        entry = replace_block(store, entry, spot->leaf, value.size, given);
    }
    put_value(entry, value);
}

void kv_store_remove(kv_store_t *store, const kv_spot_t *spot) {
    require(spot->entry != NULL);
    kv_entry_t *entry = spot->entry;
    kv_kept_touch(&store->kept, entry);
    store->entry_count--;
    store->used_bytes -= kv_store_charge(entry->key_size, entry->value_size);
    kv_spot_t found = *spot;
    if (!found.has_path) {
        search(store, kv_entry_key(entry), &found);
    }
    kv_order_remove(&store->order, store->slots, &found.path);
    kv_hints_remove(&store->hints, found.hash, found.leaf);
    if (!was_there(store, entry)) {
        drop_change(store, entry);
        free_slot(store, spot->leaf);
        return;
    }
    bool given = keep_image(store, entry, spot->leaf);
    if (given || entry->value_capacity > SPARE_BYTES_MAX) {
        entry = replace_block(store, entry, spot->leaf, 0, given);
    }
    entry->value_size = 0;
    entry->removed = true;
    store->changes.removed++;
}

/* ---- scans ---- */

static bool starts_with(bytes_t key, bytes_t prefix) {
    return key.size >= prefix.size && bytes_equal(bytes_of(key.data, prefix.size), prefix);
}

static bool is_before(bytes_t a, bytes_t b) {
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order < 0 : a.size < b.size;
}

void kv_store_scan(kv_store_t *store, bytes_t prefix, bytes_t after) {
    bool exclusive = after.size > 0 && !is_before(after, prefix);
    kv_order_path_t *path = &store->cursor;
    uint32_t leaf = kv_order_find(&store->order, store->slots, exclusive ? after : prefix, path);
    if (exclusive && leaf != KV_LEAF_NONE) {
        path->index[0]++;
    }
}

const kv_entry_t *kv_store_scan_next(kv_store_t *store, bytes_t prefix) {
    uint32_t leaf = kv_order_next(&store->order, &store->cursor);
    if (leaf == KV_LEAF_NONE) {
        return NULL;
    }
    const kv_entry_t *entry = store->slots[leaf].entry;
    return starts_with(kv_entry_key(entry), prefix) ? entry : NULL;
}

/* ---- settling ---- */

bytes_t kv_store_settled_value(const kv_store_t *store, uint32_t leaf) {
    const kv_entry_t *entry = store->slots[leaf].entry;
    require(was_there(store, entry));
    return is_changed(store, entry) ? store->changes.items[entry->change & ~KV_CHANGE_ERA].image
                                    : kv_entry_value(entry);
}

void kv_store_expect_settled(const kv_store_t *store, uint32_t leaf, bool noted) {
    const kv_entry_t *entry = store->slots[leaf].entry;
    if (is_changed(store, entry)) {
        const kv_change_t *change = &store->changes.items[entry->change & ~KV_CHANGE_ERA];
        __builtin_prefetch(noted ? (const void *)change->image.data : change);
    }
}

void kv_store_settle(kv_store_t *store) {
    require(store->settling.count == 0);
    kv_changes_t empty = store->settling;
    store->settling = store->changes;
    store->changes = empty;
    store->era ^= KV_CHANGE_ERA;
    kv_copies_drop(&store->images); /* of the settling before */
}

kv_settling_t kv_store_settling(const kv_store_t *store, uint32_t at, uint32_t *leaf) {
    *leaf = store->settling.items[at].leaf;
    if (*leaf == KV_LEAF_NONE) {
        return KV_SETTLING_NONE;
    }
    const kv_entry_t *entry = store->slots[*leaf].entry;
    if (entry->removed && is_settling(store, entry)) {
        return KV_SETTLING_GONE;
    }
    return entry->in_tree ? KV_SETTLING_VALUE : KV_SETTLING_NEW;
}

void kv_store_settled(kv_store_t *store, uint32_t at) {
    uint32_t leaf = store->settling.items[at].leaf;
    kv_entry_t *entry = store->slots[leaf].entry;
    store->settling.items[at].leaf = KV_LEAF_NONE;
    if (entry->removed && is_settling(store, entry)) {
        free_slot(store, leaf);
        return;
    }
    entry->in_tree = true;
    entry->due = false;
    if (is_settling(store, entry)) {
        entry->change = KV_CHANGE_NONE;
    }
}

void kv_store_settling_end(kv_store_t *store) {
    store->settling.count = store->settling.removed = 0;
}

/* Tombstones are not in the order. One that is in both lists belongs to the later one. */
static void free_tombstones(kv_store_t *store) {
    for (uint32_t i = 0; i < store->settling.count; i++) {
        uint32_t leaf;
        if (kv_store_settling(store, i, &leaf) == KV_SETTLING_GONE) {
            kv_store_settled(store, i);
        }
    }
    for (uint32_t i = 0; i < store->changes.count; i++) {
        uint32_t leaf = store->changes.items[i].leaf;
        if (store->slots[leaf].entry->removed) {
            free_slot(store, leaf);
        }
    }
}

void kv_store_close(kv_store_t *store) {
    free_tombstones(store);
    kv_store_scan(store, (bytes_t){NULL, 0}, (bytes_t){NULL, 0});
    for (uint32_t leaf; (leaf = kv_order_next(&store->order, &store->cursor)) != KV_LEAF_NONE;) {
        free(store->slots[leaf].entry);
    }
    free(store->slots);
    free(store->changes.items);
    free(store->settling.items);
    kv_copies_free(&store->images);
    kv_hints_free(&store->hints);
    kv_kept_end(&store->kept);
    kv_order_close(&store->order);
}
