/* Snapshots on a simulated disk: written aside, put in place as a whole. Whoever stops in between
 * has the old blob, or, when the last piece was under way, either of the two; never a mixture. What
 * lies in a slot may rot (world_rot_snapshot). */
#include <stdlib.h>

#include "codec/snapshot_codec.h"
#include "sim/world_state.h"

static void blob_write(blob_t *blob, uint64_t offset, bytes_t data) {
    size_t end = (size_t)offset + data.size;
    if (end > blob->capacity) {
        blob->capacity = 2 * end;
        blob->bytes = realloc(blob->bytes, blob->capacity);
        invariant(blob->bytes != NULL);
    }
    if (offset > blob->size)
        memset(blob->bytes + blob->size, 0, (size_t)offset - blob->size);
    if (data.size > 0)
        memcpy(blob->bytes + offset, data.data, data.size);
    blob->size = end > blob->size ? end : blob->size;
}

void store_begin(node_t *node, uint32_t slot, uint64_t offset, bytes_t data, unsigned flags) {
    store_t *store = &node->store;
    require(!store->storing && slot < 2);
    store->storing = true;
    store->slot = slot;
    store->offset = offset;
    store->data = data;
    store->flags = flags;
}

static void put_in_place(node_t *node) {
    store_t *store = &node->store;
    blob_t before = store->slots[store->slot];
    store->slots[store->slot] = store->asides[store->slot];
    store->asides[store->slot] = before;
    store->asides[store->slot].there = false;
    node->world->report.snapshots++;
}

static void write_aside(store_t *store) {
    blob_t *aside = &store->asides[store->slot];
    if ((store->flags & STORE_BEGIN) != 0) {
        aside->size = 0;
        aside->there = true;
    }
    blob_write(aside, store->offset, store->data);
}

synod_status store_complete(node_t *node) {
    store_t *store = &node->store;
    require(store->storing);
    store->storing = false;
    if ((store->flags & STORE_BEGIN) == 0 && !store->asides[store->slot].there)
        return SYNOD_IO;
    write_aside(store);
    if ((store->flags & STORE_END) != 0)
        put_in_place(node);
    return SYNOD_OK;
}

void store_stop(node_t *node) {
    store_t *store = &node->store;
    bool ends =
        store->storing && (store->flags & STORE_END) != 0 && store->asides[store->slot].there;
    if (store->storing)
        world_struck(node->world, FAULT_SNAPSHOT_CUT);
    if (ends && prng_below(&node->world->chance, 2) == 0) {
        write_aside(store);
        put_in_place(node);
    }
    store->storing = store->asides[0].there = store->asides[1].there = false;
}

synod_status store_read(const node_t *node, uint32_t slot, uint64_t offset, void *to, size_t size) {
    const blob_t *blob = &node->store.slots[slot];
    size_t here = 0;
    if (!blob->there)
        return SYNOD_NOT_FOUND;
    if (offset < blob->size)
        here = size < blob->size - offset ? size : (size_t)(blob->size - offset);
    memset(to, 0, size);
    if (here > 0)
        memcpy(to, blob->bytes + offset, here);
    return SYNOD_OK;
}

/* The n-th byte that means anything: header, stream, manifest. */
static size_t place_of(const snapshot_header_t *header, size_t n) {
    if (n < SNAPSHOT_HEADER_BYTES)
        return n;
    n -= SNAPSHOT_HEADER_BYTES;
    if (n < header->stream_bytes)
        return SNAPSHOT_CHUNK_BYTES + n;
    uint32_t chunks = snapshot_chunks_of(header->stream_bytes);
    return (size_t)snapshot_chunk_at(chunks) + n - (size_t)header->stream_bytes;
}

bool world_rot_snapshot(world_t *w, member_t member, uint32_t slot) {
    blob_t *blob = &w->nodes[member].store.slots[slot];
    snapshot_header_t header;
    if (!blob->there || blob->size < SNAPSHOT_HEADER_BYTES ||
        snapshot_header_decode(blob->bytes, &header) != SYNOD_OK)
        return false;
    uint64_t bytes = SNAPSHOT_HEADER_BYTES + header.stream_bytes + header.manifest_bytes;
    size_t at = place_of(&header, (size_t)prng_below(&w->chance, bytes));
    blob->bytes[at] ^= (uint8_t)(1u << prng_below(&w->chance, 8));
    world_struck(w, FAULT_SNAPSHOT_ROT);
    world_say(w, "a bit rots in snapshot %u of member %u, at %zu", slot, member, at);
    return true;
}

void store_free(store_t *store) {
    for (uint32_t i = 0; i < 2; i++) {
        free(store->slots[i].bytes);
        free(store->asides[i].bytes);
    }
}
