/* Snapshots: what a replica needs to go on without the journal below them. Rules and bytes:
 * docs/formats/snapshot.md. Private to src/replica.
 *
 *   snapshot_save.c   taken at a checkpoint, written, made final when a quorum attested its root
 *   snapshot_read.c   judged and loaded from a slot: at start, and when one was transferred
 *   space.c           what of the journal a durable snapshot makes unnecessary
 *   snapshot_serve.c  manifests and chunks for members that are far behind
 *   transfer.c        and from them
 *
 * Invariants: of the two slots the one with the older snapshot is replaced, and only as a whole; a
 * slot counts (`height` is not 0) while what is in it is known to be whole; what a slot's blob says
 * is believed only under attestations of a quorum, digests of its chunks and, once loaded, the
 * state root; the journal is kept from the older snapshot on. */
#ifndef REPLICA_SNAPSHOT_H
#define REPLICA_SNAPSHOT_H

#include "codec/snapshot_codec.h"
#include "replica/host.h"
#include "replica/ledger.h"

#define SNAPSHOT_SLOTS_HELD 2
/* Chunks read, or asked for, at once: 1 MiB. */
#define SNAPSHOT_PIECE_CHUNKS 16
/* Chunks that the ordering thread writes at once: what it does in less than a millisecond. */
#define SNAPSHOT_SLICE_CHUNKS 2

/* A slot of the host. */
typedef struct snapshot_slot {
    height_t height; /* 0: nothing that can be used */
    digest_t content;
    uint64_t keep;      /* first record of the journal that matters above it; 0: not known, all */
    uint64_t position;  /* journal_position when it was taken */
    uint64_t served_at; /* when a chunk was last asked for; 0: never */
    size_t manifest_size;
    uint8_t *manifest; /* encoded; SNAPSHOT_MANIFEST_MAX of room */
} snapshot_slot_t;

typedef enum save_stage {
    SAVE_NONE = 0,
    SAVE_ROOTING,   /* the root of its height is being computed */
    SAVE_DIGESTING, /* a piece is at the pool */
    SAVE_STORING,   /* a piece is on its way to the disk */
    SAVE_WAITING,   /* the stream is written, the root is not certified yet */
    SAVE_MANIFEST,  /* certified: the manifest is on its way */
    SAVE_HEADER     /* and the header, with which it counts */
} save_stage_t;

typedef struct save_job {
    job_t job; /* first: the host gives this back */
    const uint8_t *bytes;
    size_t size;
    digest_t *digests;
} save_job_t;

/* The snapshot that is being taken. */
typedef struct save {
    save_stage_t stage;
    bool more;    /* the stream goes on */
    bool at_pool; /* the job and the piece are the pool's, whatever became of the snapshot */
    uint32_t slot;
    uint64_t written_at; /* when the last of the stream was */
    height_t height;
    digest_t id, root;
    uint64_t keep, position;
    uint8_t *order; /* of that height (lanes.h) */
    size_t order_size;
    uint64_t stream_bytes;
    uint32_t chunks;
    size_t filled; /* bytes of the piece */
    save_job_t job;
    /* who attested that root */
    uint64_t *signers;
    signature_t *signatures; /* by member */
    size_t proof_size;
    uint8_t *proof;
} save_t;

typedef enum read_stage { READ_NONE = 0, READ_HEADER, READ_MANIFEST, READ_CHUNKS } read_stage_t;

/* A slot that is being read. */
typedef struct snapshot_read {
    read_stage_t stage;
    bool looking; /* at start: headers and manifests of both slots first */
    uint32_t slot;
    snapshot_header_t header;
    snapshot_manifest_t manifest;
    uint32_t next, count; /* chunks of this piece */
    ledger_t *into;
} snapshot_read_t;

/* Chunks on their way to a member that is far behind. */
typedef struct chunk_serve {
    bool busy;
    link_t link;
    uint64_t token;
    digest_t content;
    snapshot_manifest_t manifest;
    uint32_t next, end, bytes;
    uint8_t *room; /* one chunk */
} chunk_serve_t;

typedef enum transfer_stage {
    TRANSFER_NONE = 0,
    TRANSFER_ASKING,   /* for a manifest */
    TRANSFER_FETCHING, /* chunks of one piece */
    TRANSFER_STORING,
    TRANSFER_MANIFEST, /* all chunks are stored, the manifest is on its way */
    TRANSFER_HEADER,
    TRANSFER_LOADING
} transfer_stage_t;

/* The snapshot that is being fetched. */
typedef struct transfer {
    transfer_stage_t stage;
    uint64_t at;             /* patience with the server ends; 0: nothing is waited for */
    member_t server, author; /* asked now; who gave the manifest */
    uint32_t slot;
    uint64_t keep;                /* first record of the journal that matters above it */
    snapshot_manifest_t manifest; /* in the room of the manifest in the making */
    size_t manifest_size;
    digest_t content;
    uint32_t next, count; /* chunks of the piece */
    uint64_t have;        /* those that are here */
    uint32_t misses;      /* servers in a row that did not have it */
    uint32_t asked;       /* questions for a manifest since a sound one came */
    uint64_t *liars;      /* members that are not asked */
    uint64_t *pruned;     /* members that keep the next block no more */
    height_t stuck_at;
    uint32_t fruitless; /* questions for blocks since one came */
} transfer_t;

typedef struct snapshots {
    snapshot_slot_t slots[SNAPSHOT_SLOTS_HELD];
    save_t save;
    chunk_serve_t serve;
    snapshot_read_t read;
    uint64_t store_token, load_token; /* of what is under way; 0: nothing */
    uint64_t tokens;
    uint8_t *piece;        /* SNAPSHOT_PIECE_CHUNKS chunks: written or read */
    digest_t *digests;     /* SNAPSHOT_CHUNKS_MAX: of the snapshot in the making */
    uint8_t *manifest;     /* of it; SNAPSHOT_MANIFEST_MAX */
    uint8_t *attestations; /* of it, encoded */
    uint8_t header[SNAPSHOT_HEADER_BYTES];
    bool release_due;       /* the journal had no room for what a release needs, or has got short */
    uint64_t released;      /* the journal keeps what stands from this record on */
    uint64_t carried;       /* of a release that goes on: blocks stand from this record on; or 0 */
    bool short_said;        /* that blocks wait for room */
    height_t marked_height; /* highest snapshot that the journal says was taken */
    uint64_t taken, installed; /* counters, for people */
} snapshots_t;

static inline snapshot_slot_t *snapshot_newest(snapshots_t *s) {
    return s->slots[0].height >= s->slots[1].height ? &s->slots[0] : &s->slots[1];
}
static inline snapshot_slot_t *snapshot_older(snapshots_t *s) {
    return s->slots[0].height >= s->slots[1].height ? &s->slots[1] : &s->slots[0];
}

#endif
