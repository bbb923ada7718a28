/* Where keys are, by a hash; see the header. */
#include "app/kv_hints.h"

#include <stdlib.h>
#include <string.h>

#include "app/kv_memory.h"
#include "base/check.h"

enum {
    LINES_MIN = 16,
    ENTRIES_A_LINE = 6 /* on the average at most: few lines run over */
};

_Static_assert(sizeof(kv_hint_line_t) == KV_CACHE_LINE_BYTES, "a line is one line of the cache");

/* Multiplying and folding, eight bytes at a time; nothing rests on its quality but speed. */
uint32_t kv_hints_hash(bytes_t key) {
    uint64_t state = key.size * UINT64_C(0x9E3779B97F4A7C15), word = 0;
    size_t at = 0;
    for (; key.size - at >= 8; at += 8) {
        state = (state ^ load_u64(key.data + at)) * UINT64_C(0xD1B54A32D192ED03);
        state ^= state >> 32;
    }
    for (; at < key.size; at++) {
        word = word << 8 | key.data[at];
    }
    state = (state ^ word) * UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)(state >> 32);
}

static kv_hint_line_t *line_of(const kv_hints_t *hints, uint32_t hash) {
    return &hints->lines[hash & hints->mask];
}

uint32_t kv_hints_find(const kv_hints_t *hints, const kv_slot_t *slots, bytes_t key,
                       uint32_t hash) {
    if (hints->lines == NULL) {
        return KV_LEAF_NONE;
    }
    const kv_hint_line_t *line = line_of(hints, hash);
    for (uint32_t i = 0; i < KV_HINTS_A_LINE; i++) {
        if (line->hashes[i] == hash && line->leaves[i] != 0 &&
            bytes_equal(kv_entry_key(slots[line->leaves[i]].entry), key)) {
            return line->leaves[i];
        }
    }
    return KV_LEAF_NONE;
}

void kv_hints_load(const kv_hints_t *hints, uint32_t hash) {
    if (hints->lines != NULL) {
        __builtin_prefetch(line_of(hints, hash));
    }
}

uint32_t kv_hints_guess(const kv_hints_t *hints, uint32_t hash) {
    for (uint32_t i = 0; hints->lines != NULL && i < KV_HINTS_A_LINE; i++) {
        const kv_hint_line_t *line = line_of(hints, hash);
        if (line->hashes[i] == hash && line->leaves[i] != 0) {
            return line->leaves[i];
        }
    }
    return KV_LEAF_NONE;
}

/* Twice as many lines, and no hints: they come back as keys are looked for. */
static void grow(kv_hints_t *hints) {
    uint32_t lines = hints->lines == NULL ? LINES_MIN : 2 * (hints->mask + 1);
    kv_hints_free(hints);
    hints->lines = aligned_alloc(KV_CACHE_LINE_BYTES, lines * sizeof hints->lines[0]);
    invariant(hints->lines != NULL);
    memset(hints->lines, 0, lines * sizeof hints->lines[0]);
    hints->mask = lines - 1;
}

void kv_hints_put(kv_hints_t *hints, uint32_t entry_count, uint32_t hash, uint32_t leaf) {
    require(leaf != 0 && leaf != KV_LEAF_NONE);
    if (hints->lines == NULL || entry_count / ENTRIES_A_LINE > hints->mask) {
        grow(hints);
    }
    kv_hint_line_t *line = line_of(hints, hash);
    uint32_t place = leaf % KV_HINTS_A_LINE; /* of a full line, anyone's */
    for (uint32_t i = 0; i < KV_HINTS_A_LINE; i++) {
        if (line->leaves[i] == 0) {
            place = i;
            break;
        }
    }
    line->hashes[place] = hash;
    line->leaves[place] = leaf;
}

void kv_hints_remove(kv_hints_t *hints, uint32_t hash, uint32_t leaf) {
    if (hints->lines == NULL) {
        return;
    }
    kv_hint_line_t *line = line_of(hints, hash);
    for (uint32_t i = 0; i < KV_HINTS_A_LINE; i++) {
        if (line->leaves[i] == leaf) {
            line->leaves[i] = 0;
        }
    }
}

void kv_hints_free(kv_hints_t *hints) {
    free(hints->lines);
    *hints = (kv_hints_t){.lines = NULL};
}
