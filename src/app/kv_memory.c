/* Memory of the application `kv`; see the header. */
#include "app/kv_memory.h"

#include <stdlib.h>

#include "base/check.h"

enum { COPIES_BLOCK_BYTES = 64 * 1024, COPIES_ALIGNMENT_BYTES = 8 };

struct kv_copies_block {
    kv_copies_block_t *older;
    size_t size_bytes;
    uint8_t bytes[];
};

void *kv_allocate(size_t size_bytes) {
    void *memory = malloc(size_bytes);
    invariant(memory != NULL);
    return memory;
}

void *kv_resize(void *memory, size_t size_bytes) {
    void *resized = realloc(memory, size_bytes);
    invariant(resized != NULL);
    return resized;
}

uint32_t kv_grown(uint32_t capacity, uint32_t needed) {
    enum { CAPACITY_MIN = 16 };
    require(needed <= UINT32_MAX / 2 && capacity <= UINT32_MAX / 2);
    uint32_t doubled = capacity < CAPACITY_MIN ? CAPACITY_MIN : capacity * 2;
    return doubled < needed ? needed : doubled;
}

kv_chunks_t kv_chunks_of(size_t item_bytes) {
    require(item_bytes > 0 && item_bytes * KV_CHUNK_ITEMS % KV_CACHE_LINE_BYTES == 0);
    return (kv_chunks_t){.item_bytes = item_bytes};
}

void kv_chunks_free(kv_chunks_t *chunks) {
    for (uint32_t i = 0; i < chunks->count; i++) {
        free(chunks->chunks[i]);
    }
    free(chunks->chunks);
    *chunks = (kv_chunks_t){.item_bytes = chunks->item_bytes};
}

void kv_chunks_reach(kv_chunks_t *chunks, uint32_t index) {
    while (index / KV_CHUNK_ITEMS >= chunks->count) {
        if (chunks->count == chunks->capacity) {
            chunks->capacity = kv_grown(chunks->capacity, chunks->count + 1);
            chunks->chunks = kv_resize(chunks->chunks, chunks->capacity * sizeof chunks->chunks[0]);
        }
        uint8_t *chunk = aligned_alloc(KV_CACHE_LINE_BYTES, chunks->item_bytes * KV_CHUNK_ITEMS);
        invariant(chunk != NULL);
        chunks->chunks[chunks->count++] = chunk;
    }
}

const uint8_t *kv_copies_add(kv_copies_t *copies, bytes_t bytes) {
    size_t rounded = (bytes.size + COPIES_ALIGNMENT_BYTES - 1) & ~(size_t)7;
    kv_copies_block_t *block = copies->blocks;
    if (block == NULL || block->size_bytes - copies->used_bytes < rounded) {
        size_t size = rounded > COPIES_BLOCK_BYTES ? rounded : COPIES_BLOCK_BYTES;
        block = kv_allocate(sizeof *block + size);
        *block = (kv_copies_block_t){.older = copies->blocks, .size_bytes = size};
        copies->blocks = block;
        copies->used_bytes = 0;
    }
    uint8_t *to = block->bytes + copies->used_bytes;
    if (bytes.size > 0) {
        memcpy(to, bytes.data, bytes.size);
    }
    copies->used_bytes += rounded;
    return to;
}

void kv_copies_adopt(kv_copies_t *copies, void *memory) {
    if (copies->adopted_count == copies->adopted_capacity) {
        copies->adopted_capacity = kv_grown(copies->adopted_capacity, copies->adopted_count + 1);
        copies->adopted =
            kv_resize(copies->adopted, copies->adopted_capacity * sizeof copies->adopted[0]);
    }
    copies->adopted[copies->adopted_count++] = memory;
}

void kv_copies_drop(kv_copies_t *copies) {
    for (uint32_t i = 0; i < copies->adopted_count; i++) {
        free(copies->adopted[i]);
    }
    free(copies->adopted);
    copies->adopted = NULL;
    copies->adopted_count = copies->adopted_capacity = 0;
    while (copies->blocks != NULL && copies->blocks->older != NULL) {
        kv_copies_block_t *older = copies->blocks->older;
        free(copies->blocks);
        copies->blocks = older;
    }
    copies->used_bytes = 0;
}

void kv_copies_free(kv_copies_t *copies) {
    kv_copies_drop(copies);
    free(copies->blocks);
    copies->blocks = NULL;
}
