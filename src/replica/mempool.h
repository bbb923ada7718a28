/* The mempool: verified requests that wait to be ordered, oldest first.
 *
 * Bytes live in one ring; an old request that stays while younger ones leave is copied to the
 * front, so that it never blocks the ring. A (session, sequence) is held once: the first one that
 * came (attack C3: which one runs is decided by the order, not here). Full means a typed busy for
 * the client, never a loss of what was accepted.
 *
 * A request stays until it was executed. `mark` numbers say on which branch it is already in a
 * block, so that a payload repeats nothing of the branch that it extends. */
#ifndef REPLICA_MEMPOOL_H
#define REPLICA_MEMPOOL_H

#include "base/map.h"
#include "codec/request.h"
#include "replica/host.h"

/* Requests held at once; more small ones than that are answered busy. */
#define MEMPOOL_REQUESTS_MAX 65536

typedef struct mempool_entry {
    uint64_t session, sequence;
    digest_t digest;
    signature_t signature;
    uint64_t arrival_ns;
    uint64_t mark;           /* branch in whose blocks it stands; 0 none */
    uint64_t at;             /* logical ring position */
    uint32_t size;           /* encoded bytes; 0 = free */
    uint32_t next, previous; /* by arrival; MAP_NONE ends */
} mempool_entry_t;

typedef struct mempool {
    uint8_t *ring;
    uint32_t ring_bytes;
    uint64_t head, tail; /* logical; live bytes are in [head, tail) */
    mempool_entry_t *entries;
    uint32_t free, first, last; /* lists by index */
    uint32_t fresh;             /* entries from here on were never used */
    map_t index;                /* (session, sequence) -> entry */
    uint32_t count;
    uint64_t bytes;
    uint64_t secret; /* mixes keys that clients choose */
} mempool_t;

size_t mempool_memory_bytes(uint32_t ring_bytes);
mempool_t mempool_make(void *memory, uint32_t ring_bytes, uint64_t secret);

/* The number under which a request is held in its session: its sequence; that of an open request
 * (session 0) is worked out of its digest. `digest`: of the request, where it is at hand, or NULL.
 */
uint64_t mempool_sequence(const request_t *request, const digest_t *digest);
/* The entry of (session, sequence), or NULL. `sequence`: by mempool_sequence, as everywhere here.
 */
const mempool_entry_t *mempool_find(const mempool_t *mempool, uint64_t session, uint64_t sequence);
/* Copies it in. SYNOD_OK, SYNOD_DUPLICATE or SYNOD_BUSY. */
synod_status mempool_add(mempool_t *mempool, const request_t *request, uint64_t sequence,
                         const digest_t *digest, uint64_t arrival_ns);
/* Returns when it came; 0: it is not held. */
uint64_t mempool_remove(mempool_t *mempool, uint64_t session, uint64_t sequence);
bytes_t mempool_bytes(const mempool_t *mempool, const mempool_entry_t *entry);
/* Marks as standing on a branch; nothing when it is not held. */
void mempool_mark(mempool_t *mempool, uint64_t session, uint64_t sequence, uint64_t mark);

/* Oldest first: start with NULL; NULL ends. */
mempool_entry_t *mempool_next(const mempool_t *mempool, const mempool_entry_t *entry);

#endif
