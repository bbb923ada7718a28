/* What block sync keeps, and what its files offer to the rest of the replica: sync.c asks and
 * takes, attest.c says and hears who has which state, serve.c answers. */
#ifndef REPLICA_SYNC_PARTS_H
#define REPLICA_SYNC_PARTS_H

#include "model/certificate.h"
#include "replica/replica.h"

struct replica_link;

/* A member as a source of blocks, and as one that asks us for them. */
typedef struct sync_peer {
    uint32_t strikes;  /* runs in a row that it left without a proof */
    bool nothing_more; /* it said so, about what we have */
    uint32_t wants;    /* blocks that it waits for: from `wants_from` on; 0: none */
    height_t wants_from;
} sync_peer_t;

/* One run of old blocks that is being read from the journal for a peer. */
typedef struct serve {
    bool busy;
    member_t last; /* who was served last: the others come first */
    link_t link;
    height_t next, end; /* blocks [next, end]; the last goes with the proof */
    size_t sent_bytes;  /* of payloads */
    bool reading_proof;
    size_t proof_size;
    uint8_t *proof, *room; /* one certificate; one journal record */
    size_t room_size;
} serve_t;

/* ---- sync.c ---- */
/* The peer was greeted: does it have more than we? */
void sync_greet(replica_t *r, struct replica_link *link);
/* Something final is not here: ask somebody, unless a question is open. */
void sync_want(replica_t *r);
/* A run of blocks after what is executed, from this member. */
void sync_ask_run(replica_t *r, member_t peer);
void sync_tick(replica_t *r);
void sync_block(replica_t *r, struct replica_link *link, bytes_t body);
void sync_fetch_parent(replica_t *r, const digest_t *id);
/* Does this encoded certificate prove the block final? `*proof` lives until the decode arena is
 * used again. */
synod_status judge_proof(replica_t *r, bytes_t encoded, height_t height, const digest_t *id,
                         const certificate_t **proof);
/* After a start from a snapshot: the core may know nothing of the certificate that finished it. */
void sync_tell_anchor(replica_t *r);

/* ---- attest.c ---- */
digest_t committee_root(const replica_t *r);
void attest_collect(replica_t *r);
synod_status checkpoint_verify(const checkpoint_t *checkpoint, const committee_t *committee);
void attest_executed(replica_t *r);
/* All hear of the root at hand: it was computed here, or came with a snapshot. */
void attest_tell(replica_t *r);
/* The peer was greeted: it hears our last checkpoint. */
void attest_greet(replica_t *r, const struct replica_link *link);
void attest_tick(replica_t *r);
/* The next piece of the root that is being computed, if one is. */
void attest_on(replica_t *r);
/* A member says that it has this height: if it stays above ours, it is asked for it. */
void attest_heard(replica_t *r, member_t member, height_t height);
/* Asks the next member whose height is above ours, when no question is open. */
void attest_follow(replica_t *r);
void attest_on_frame(replica_t *r, struct replica_link *link, bytes_t body);

/* ---- serve.c ---- */
void serve_ask(replica_t *r, struct replica_link *link, bytes_t body);
void serve_on_read(replica_t *r, synod_status status);

#endif
