/* Memory of the application `kv`: allocation that cannot fail, chunks that never move, copies that
 * are dropped together.
 *
 * The state is bounded by KV_STATE_BYTES_MAX (kv_format.h), which every replica counts alike. A
 * machine that cannot hold a state within that bound cannot follow the others: refusing one
 * operation there would give another state than theirs. So running out of memory stops the process;
 * it is the operator's provisioning that failed, not a client's bytes that were judged wrongly. */
#ifndef APP_KV_MEMORY_H
#define APP_KV_MEMORY_H

#include "base/bytes.h"

void *kv_allocate(size_t size_bytes);
/* As realloc. */
void *kv_resize(void *memory, size_t size_bytes);
/* The capacity to grow to when `needed` items do not fit into `capacity`: at least twice as
 * much. */
uint32_t kv_grown(uint32_t capacity, uint32_t needed);

/* ---- chunks: an array of items that grows without moving them, aligned to cache lines ---- */

#define KV_CHUNK_ITEMS 1024u /* 64 KiB of tree nodes: malloc need not ask the kernel */
#define KV_CACHE_LINE_BYTES 64u

typedef struct kv_chunks {
    uint8_t **chunks;
    uint32_t count, capacity;
    size_t item_bytes; /* KV_CHUNK_ITEMS of them are a multiple of a cache line */
} kv_chunks_t;

kv_chunks_t kv_chunks_of(size_t item_bytes);
void kv_chunks_free(kv_chunks_t *chunks);
/* Makes `index` valid; new items are not initialised. */
void kv_chunks_reach(kv_chunks_t *chunks, uint32_t index);
static inline void *kv_chunks_at(const kv_chunks_t *chunks, uint32_t index) {
    uint8_t *chunk = chunks->chunks[index / KV_CHUNK_ITEMS];
    return chunk + (size_t)(index % KV_CHUNK_ITEMS) * chunks->item_bytes;
}

/* ---- copies: byte ranges with one end of life ---- */

typedef struct kv_copies_block kv_copies_block_t;

typedef struct kv_copies {
    kv_copies_block_t *blocks; /* newest first; the last one is kept when all are dropped */
    size_t used_bytes;         /* of the newest */
    void **adopted;
    uint32_t adopted_count, adopted_capacity;
} kv_copies_t;

/* A copy that lives until kv_copies_drop. */
const uint8_t *kv_copies_add(kv_copies_t *copies, bytes_t bytes);
/* Frees `memory` (of kv_allocate) at the next kv_copies_drop: a copy that costs nothing. */
void kv_copies_adopt(kv_copies_t *copies, void *memory);
void kv_copies_drop(kv_copies_t *copies);
/* Drops everything and the memory kept for later. */
void kv_copies_free(kv_copies_t *copies);

#endif
