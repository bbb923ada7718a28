/* One key and its value, and the table in which entries have a number. */
#ifndef APP_KV_ENTRY_H
#define APP_KV_ENTRY_H

#include "base/bytes.h"

/* The number of an entry; also what the leaves of tries and trees are. */
#define KV_LEAF_NONE UINT32_C(0x7fffffff)

typedef struct kv_entry {
    uint32_t value_size, value_capacity;
    uint32_t touched; /* number of the snapshot during which it was written last (kv_kept.h) */
    uint32_t change;  /* place in a list of changes and which (kv_store.h), or KV_CHANGE_NONE */
    uint16_t key_size;
    bool in_tree : 1, removed : 1;
    bool due : 1;    /* not in the tree yet, but in the state that it is to become */
    uint8_t bytes[]; /* key, then value */
} kv_entry_t;

static inline bytes_t kv_entry_key(const kv_entry_t *entry) {
    return bytes_of(entry->bytes, entry->key_size);
}
static inline bytes_t kv_entry_value(const kv_entry_t *entry) {
    return bytes_of(entry->bytes + entry->key_size, entry->value_size);
}

typedef union kv_slot {
    kv_entry_t *entry;
    uint32_t next_free;
} kv_slot_t;

#endif
