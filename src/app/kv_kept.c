/* See kv_kept.h. */
#include "app/kv_kept.h"

#include <stdlib.h>

#include "app/kv_memory.h"
#include "base/check.h"
#include "crypto/hash.h"

static bytes_t digest_of(const kv_kept_t *kept, uint32_t item) {
    return bytes_of(kept->items[item].digest.bytes, SYNOD_DIGEST_BYTES);
}

void kv_kept_begin(kv_kept_t *kept) {
    require(!kept->on);
    uint32_t number = kept->number + 1;
    *kept = (kv_kept_t){.on = true, .number = number};
    kv_trie_open(&kept->trie);
}

void kv_kept_end(kv_kept_t *kept) {
    if (!kept->on) {
        return;
    }
    for (uint32_t i = 0; i < kept->count; i++) {
        free(kept->items[i].entry);
    }
    free(kept->items);
    kv_trie_close(&kept->trie);
    *kept = (kv_kept_t){.number = kept->number};
}

static kv_entry_t *copy_of(const kv_entry_t *entry) {
    size_t size = sizeof *entry + entry->key_size + (size_t)entry->value_size;
    kv_entry_t *copy = kv_allocate(size);
    memcpy(copy, entry, size);
    return copy;
}

void kv_kept_touch(kv_kept_t *kept, kv_entry_t *entry) {
    if (!kept->on || entry->touched == kept->number) {
        return;
    }
    entry->touched = kept->number;
    digest_t digest = hash_bytes(kv_entry_key(entry));
    if (kept->passed_any && memcmp(digest.bytes, kept->passed.bytes, sizeof digest.bytes) <= 0) {
        return;
    }
    if (kept->count == kept->capacity) {
        kept->capacity = kv_grown(kept->capacity, kept->count + 1);
        kept->items = kv_resize(kept->items, kept->capacity * sizeof kept->items[0]);
    }
    bytes_t key = bytes_of(digest.bytes, sizeof digest.bytes);
    uint32_t closest = kv_trie_closest(&kept->trie, key);
    bytes_t near = closest == KV_LEAF_NONE ? (bytes_t){0} : digest_of(kept, closest);
    kept->items[kept->count] = (kv_kept_item_t){digest, copy_of(entry)};
    kv_trie_insert(&kept->trie, key, near, kept->count);
    kept->count++;
}

void kv_kept_pass(kv_kept_t *kept, const digest_t *digest, uint32_t item) {
    kept->passed_any = true;
    kept->passed = *digest;
    if (item != KV_LEAF_NONE) {
        free(kept->items[item].entry);
        kept->items[item].entry = NULL;
    }
}

void kv_kept_start(const kv_kept_t *kept, kv_trie_cursor_t *cursor) {
    if (!kept->passed_any) {
        kv_trie_start(cursor, &kept->trie);
        return;
    }
    bytes_t passed = bytes_of(kept->passed.bytes, sizeof kept->passed.bytes);
    uint32_t closest = kv_trie_closest(&kept->trie, passed);
    kv_trie_start_after(cursor, &kept->trie, passed,
                        closest == KV_LEAF_NONE ? (bytes_t){0} : digest_of(kept, closest));
}
