/* See mempool.h. Invariant: every live byte range starts with a piece header, from head to tail
 * without gaps; a piece is alive when its entry points back to it. */
#include "replica/mempool.h"

#include "base/arena.h"
#include "base/check.h"

/* A request may not be larger than this part of the ring. */
#define RING_SHARE 4
/* What a piece takes beyond its bytes, at most. */
#define PIECE_EXTRA 24
/* Adding leaves so much free that the piece at the head can be copied behind the tail, whatever is
 * skipped at the end of the ring: else one old request in front would block the ring for good. */
#define SPARE_BYTES (2 * (REQUEST_BYTES_MAX + PIECE_EXTRA))

size_t mempool_memory_bytes(uint32_t ring_bytes) {
    return arena_cost(ring_bytes) + arena_cost(MEMPOOL_REQUESTS_MAX * sizeof(mempool_entry_t)) +
           arena_cost(map_bytes(MEMPOOL_REQUESTS_MAX));
}

mempool_t mempool_make(void *memory, uint32_t ring_bytes, uint64_t secret) {
    require(ring_bytes >= RING_SHARE * REQUEST_BYTES_MAX);
    uint8_t *at = memory;          /* zeroed: a mempool that stays small touches little of it */
    ring_bytes -= ring_bytes % 16; /* pieces and what is skipped at the end are whole headers */
    mempool_t mempool = {.ring_bytes = ring_bytes, .secret = secret, .ring = at};
    at += arena_cost(ring_bytes);
    mempool.entries = (mempool_entry_t *)(void *)at;
    at += arena_cost(MEMPOOL_REQUESTS_MAX * sizeof(mempool_entry_t));
    mempool.index = map_of_zeroed(at, MEMPOOL_REQUESTS_MAX);
    mempool.first = mempool.last = mempool.free = MAP_NONE;
    return mempool;
}

static uint64_t index_key(const mempool_t *mempool, uint64_t session, uint64_t sequence) {
    uint64_t x = (session ^ mempool->secret) * UINT64_C(0x9E3779B97F4A7C15);
    x ^= x >> 32;
    x += sequence * UINT64_C(0xD1B54A32D192ED03) + (mempool->secret >> 7);
    x ^= x >> 29;
    return x * UINT64_C(0xBF58476D1CE4E5B9);
}

uint64_t mempool_sequence(const request_t *request, const digest_t *digest) {
    if (request->session != 0)
        return request->sequence;
    digest_t own = digest == NULL ? request_digest(request) : *digest;
    return digest_prefix(&own);
}

static uint32_t find(const mempool_t *mempool, uint64_t session, uint64_t sequence) {
    uint32_t slot = map_get(&mempool->index, index_key(mempool, session, sequence));
    if (slot == MAP_NONE)
        return MAP_NONE;
    const mempool_entry_t *entry = &mempool->entries[slot];
    return entry->session == session && entry->sequence == sequence ? slot : MAP_NONE;
}

const mempool_entry_t *mempool_find(const mempool_t *mempool, uint64_t session, uint64_t sequence) {
    uint32_t slot = find(mempool, session, sequence);
    return slot == MAP_NONE ? NULL : &mempool->entries[slot];
}

static void unlink_entry(mempool_t *mempool, uint32_t slot) {
    mempool_entry_t *entry = &mempool->entries[slot];
    if (entry->previous == MAP_NONE)
        mempool->first = entry->next;
    else
        mempool->entries[entry->previous].next = entry->next;
    if (entry->next == MAP_NONE)
        mempool->last = entry->previous;
    else
        mempool->entries[entry->next].previous = entry->previous;
}

/* The list is kept by arrival; ring order equals it except for copied entries, which are found by
 * their own position. */
static void link_last(mempool_t *mempool, uint32_t slot) {
    mempool_entry_t *entry = &mempool->entries[slot];
    entry->next = MAP_NONE;
    entry->previous = mempool->last;
    if (mempool->last == MAP_NONE)
        mempool->first = slot;
    else
        mempool->entries[mempool->last].next = slot;
    mempool->last = slot;
}

/* Where `size` contiguous bytes can start at the tail, skipping the end of the ring if need be. */
static uint64_t tail_for(const mempool_t *mempool, uint32_t size) {
    uint32_t offset = (uint32_t)(mempool->tail % mempool->ring_bytes);
    bool fits = size <= mempool->ring_bytes - offset;
    return fits ? mempool->tail : mempool->tail + (mempool->ring_bytes - offset);
}

/* Each piece in the ring starts with its slot, so that the head can be walked. */
#define PIECE_HEADER 8

typedef struct piece {
    uint32_t slot, size; /* slot MAP_NONE: dead */
} piece_t;

static piece_t *piece_at(const mempool_t *mempool, uint64_t at) {
    return (piece_t *)(void *)(mempool->ring + at % mempool->ring_bytes);
}

static uint32_t piece_bytes(uint32_t size) {
    return (uint32_t)arena_cost(PIECE_HEADER + size);
}

static uint64_t place(mempool_t *mempool, uint32_t slot, bytes_t bytes) {
    uint32_t size = piece_bytes((uint32_t)bytes.size);
    uint64_t at = tail_for(mempool, size);
    if (at != mempool->tail) {
        piece_t *skip = piece_at(mempool, mempool->tail);
        *skip = (piece_t){MAP_NONE, (uint32_t)(at - mempool->tail)};
    }
    *piece_at(mempool, at) = (piece_t){slot, size};
    memcpy(mempool->ring + at % mempool->ring_bytes + PIECE_HEADER, bytes.data, bytes.size);
    mempool->tail = at + size;
    return at;
}

static bool alive(const mempool_t *mempool, const piece_t *piece, uint64_t at) {
    return piece->slot != MAP_NONE && mempool->entries[piece->slot].size != 0 &&
           mempool->entries[piece->slot].at == at;
}

/* Frees the front: dead pieces go, live ones are copied behind the tail. Only while at most half of
 * the ring is alive, so that a byte copied is a byte won; when more is, what stands in front leaves
 * first. True when `size` bytes fit now. */
static bool make_room(mempool_t *mempool, uint32_t size) {
    uint64_t room = mempool->ring_bytes - SPARE_BYTES, copied = 0;
    uint64_t live = mempool->bytes + (uint64_t)mempool->count * PIECE_EXTRA;
    if (mempool->count == 0)
        mempool->head = mempool->tail = tail_for(mempool, mempool->ring_bytes);
    while (tail_for(mempool, size) + size - mempool->head > room) {
        piece_t *piece = piece_at(mempool, mempool->head);
        if (alive(mempool, piece, mempool->head)) {
            if (live + size > room / 2 || copied > live)
                return false;
            mempool_entry_t *entry = &mempool->entries[piece->slot];
            invariant(tail_for(mempool, piece->size) + piece->size - mempool->head <=
                      mempool->ring_bytes);
            copied += piece->size;
            entry->at =
                place(mempool, piece->slot, bytes_of((uint8_t *)piece + PIECE_HEADER, entry->size));
        }
        mempool->head += piece->size;
    }
    return true;
}

synod_status mempool_add(mempool_t *mempool, const request_t *request, uint64_t sequence,
                         const digest_t *digest, uint64_t arrival_ns) {
    uint64_t key = index_key(mempool, request->session, sequence);
    if (map_get(&mempool->index, key) != MAP_NONE)
        return SYNOD_DUPLICATE;
    uint32_t size = (uint32_t)request->encoded.size;
    if (mempool->count == MEMPOOL_REQUESTS_MAX || !make_room(mempool, piece_bytes(size)))
        return SYNOD_BUSY;
    uint32_t slot = mempool->free == MAP_NONE ? mempool->fresh++ : mempool->free;
    mempool_entry_t *entry = &mempool->entries[slot];
    if (slot == mempool->free)
        mempool->free = entry->next;
    *entry = (mempool_entry_t){.session = request->session,
                               .sequence = sequence,
                               .digest = *digest,
                               .signature = request->signature,
                               .arrival_ns = arrival_ns,
                               .size = size};
    entry->at = place(mempool, slot, request->encoded);
    link_last(mempool, slot);
    bool put = map_put(&mempool->index, key, slot);
    ensure(put);
    mempool->count++;
    mempool->bytes += size;
    return SYNOD_OK;
}

uint64_t mempool_remove(mempool_t *mempool, uint64_t session, uint64_t sequence) {
    uint32_t slot = find(mempool, session, sequence);
    if (slot == MAP_NONE)
        return 0;
    mempool_entry_t *entry = &mempool->entries[slot];
    map_remove(&mempool->index, index_key(mempool, session, sequence));
    unlink_entry(mempool, slot);
    mempool->count--;
    mempool->bytes -= entry->size;
    entry->size = 0;
    entry->next = mempool->free;
    mempool->free = slot;
    if (mempool->count == 0)
        mempool->head = mempool->tail;
    return entry->arrival_ns;
}

bytes_t mempool_bytes(const mempool_t *mempool, const mempool_entry_t *entry) {
    return bytes_of(mempool->ring + entry->at % mempool->ring_bytes + PIECE_HEADER, entry->size);
}

void mempool_mark(mempool_t *mempool, uint64_t session, uint64_t sequence, uint64_t mark) {
    uint32_t slot = find(mempool, session, sequence);
    if (slot != MAP_NONE)
        mempool->entries[slot].mark = mark;
}

mempool_entry_t *mempool_next(const mempool_t *mempool, const mempool_entry_t *entry) {
    uint32_t slot = entry == NULL ? mempool->first : entry->next;
    return slot == MAP_NONE ? NULL : &mempool->entries[slot];
}
