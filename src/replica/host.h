/* The few verbs through which a replica touches the world. The daemon answers them with real I/O,
 * the simulator with simulated one; the replica is the same code. Every verb returns at once; what
 * takes time is answered by a completion (replica.h: replica_on_...). */
#ifndef REPLICA_HOST_H
#define REPLICA_HOST_H

#include "base/bytes.h"

/* A connection to a member or a client; numbers are given by the host and not used again soon. */
typedef uint64_t link_t;
#define LINK_NONE 0

/* Consensus goes before requests and replies, those before catch-up. */
typedef enum lane { LANE_CONSENSUS = 0, LANE_CLIENT = 1, LANE_BULK = 2, LANE_COUNT = 3 } lane_t;
/* What a host keeps at least for a link whose peer does not read, in the lane of catch-up. */
#define LANE_BULK_BYTES (8u << 20)

/* A piece of work for the pool: pure computation on memory that the replica leaves alone until the
 * completion. Completions come back in any order; the replica puts them into its own order. */
typedef struct job {
    void (*work)(struct job *job);
    uint64_t cost_ns; /* estimate, for the simulator's processor model */
} job_t;

/* What a thread's time goes to, for whoever measures. The names are in adapter/meter.c. */
typedef enum stage {
    STAGE_LOOP = 0, /* waiting, waking, reading sockets: the event loop and the kernel below it */
    STAGE_TLS,
    STAGE_WRITE_SOCKET,
    STAGE_GATE, /* frames, decoding, admission, mempool, and what has no other name */
    STAGE_REQUEST_SIGNATURE,
    STAGE_MESSAGE_SIGNATURE, /* of members: votes, certificates, own ones */
    STAGE_HASH,              /* of requests and payloads */
    STAGE_CORE,
    STAGE_JOURNAL, /* records made */
    STAGE_DISK,    /* records written and synced */
    STAGE_EXECUTE,
    STAGE_ROOT,
    STAGE_REPLY,
    STAGE_COUNT
} stage_t;

enum { STORE_BEGIN = 1, STORE_END = 2 };

struct status_report; /* codec/sync_codec.h */

typedef struct host {
    void *context;
    /* Sends one whole frame (header and body) on each of `count` links. The bytes are taken before
     * the call returns. A link whose queue is full drops the frame and counts it, or is closed. */
    void (*send)(void *context, const link_t *links, uint32_t count, lane_t lane, bytes_t frame);
    /* Closes a link after what is queued has left. */
    void (*close)(void *context, link_t link);
    /* Writes `bytes` at `offset` of the journal and makes them durable; the memory stays untouched
     * until replica_on_appended(token, status). Appends complete in order. */
    void (*append)(void *context, uint64_t token, uint64_t offset, bytes_t bytes);
    /* Reads into `to` from the journal; beyond the end of the device: zeros. The host makes the
     * whole device durable once before the first read: a killed process may have left writes in
     * the machine's cache, and recovery concludes from what it reads that it is durable.
     * replica_on_read(token, status). */
    void (*read)(void *context, uint64_t token, uint64_t offset, void *to, size_t size);
    /* Snapshots: blobs, replaced as a whole; `slot` is 0 or 1. A store is made of pieces in any
     * order of offsets; STORE_BEGIN drops what an unfinished one left, STORE_END puts the whole in
     * place of the blob before, durably, before it completes: until then, and whenever the machine
     * stops, the blob before is what is loaded. After a piece that failed all fail up to the next
     * STORE_BEGIN. One piece is under way at a time, its memory stays untouched until
     * replica_on_stored(token, status). */
    void (*store)(void *context, uint64_t token, uint32_t slot, uint64_t offset, bytes_t bytes,
                  unsigned flags);
    /* Reads into `to`; beyond the end of the blob: zeros. NOT_FOUND: there is none.
     * replica_on_loaded(token, status). */
    void (*load)(void *context, uint64_t token, uint32_t slot, uint64_t offset, void *to,
                 size_t size);
    /* Calls replica_on_wake at or soon after `at_ns` (now_ns scale); replaces the wish before. */
    void (*wake)(void *context, uint64_t at_ns);
    void (*job)(void *context, job_t *job);
    /* Something a person should know: level 0 error, 1 warning, 2 information, 3 detail. `event` is
     * a static word, `text` is key=value pairs. */
    void (*log)(void *context, int level, const char *module, const char *event, const char *text);
    /* The replica stops for good: a contradiction or a failed disk (F2). */
    void (*halt)(void *context, synod_status status, const char *reason);
    /* Fills in what only the host knows of a report: disk and version. NULL: nothing. */
    void (*describe)(void *context, struct status_report *report);
    /* How long ago a byte came over a link; UINT64_MAX: it is gone. NULL: nobody knows. */
    uint64_t (*silence_ms)(void *context, link_t link);
    /* What follows is of this stage; returns the one before. NULL: nobody measures. */
    stage_t (*stage)(stage_t stage);
} host_t;

static inline stage_t host_stage(const host_t *host, stage_t stage) {
    return host->stage == NULL ? STAGE_LOOP : host->stage(stage);
}

#endif
