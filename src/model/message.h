/* The message: one header, a handful of bodies, for every protocol (contract, 4).
 *
 * In memory it borrows its block and certificates: from the frame buffer when it comes in, from the
 * core's state or scratch when it goes out. Payload bytes never appear here. */
#ifndef MODEL_MESSAGE_H
#define MODEL_MESSAGE_H

#include "model/block.h"
#include "model/certificate.h"
#include "model/statement.h"

typedef enum body {
    BODY_PROPOSAL = 1,    /* block with the proofs that entitle its author */
    BODY_VOTE = 2,        /* a signed statement, counted */
    BODY_CERTIFICATE = 3, /* certificates alone: authentic by themselves, promises nothing */
    BODY_NEW_VIEW = 4,    /* a signed statement about the end of a view, with the proofs claimed */
    BODY_SHARE = 5,       /* a value for a sub-protocol, possibly private to the receiver */
    BODY_STATUS = 6       /* unsigned: where the sender stands; asks for help, promises nothing */
} body_t;

#define MESSAGE_CERTIFICATES_MAX 2

typedef struct message {
    /* header: the statement of the author (its body and phase included) */
    statement_t statement;
    member_t author;
    signature_t signature; /* meaningful where the phase is authenticated by signature */
    /* body */
    const block_t *block;                                        /* proposals, else NULL */
    const certificate_t *certificates[MESSAGE_CERTIFICATES_MAX]; /* proofs; NULL when absent */
    bytes_t share;
} message_t;

/* How a phase's messages are known to be authentic. */
typedef enum authentication {
    AUTH_CHANNEL = 1,   /* by the link it came over: the author is the peer; nothing portable */
    AUTH_SIGNATURE = 2, /* by the author's signature over the statement */
    AUTH_ITSELF = 3     /* certificates only: by what they carry; the author does not matter */
} authentication_t;

/* Fields of the slot: the key under which a member may say one thing. */
#define SLOT_VIEW 1u
#define SLOT_HEIGHT 2u
#define SLOT_SUBJECT 4u
#define SLOT_CLAIM 8u
#define SLOT_NONE 0u /* no limit: nothing is promised */

/* One row of a protocol's phase table: enough for codec, gate, tally, evidence and adversaries. */
typedef struct phase {
    const char *name;
    body_t body;
    authentication_t authentication;
    quorum_t quorum;     /* that certifies it; meaningless where votes are not counted */
    uint8_t slot;        /* SLOT_ bits */
    uint8_t claim_count; /* signed claims, exactly */
    bool claims_differ;  /* counted votes may differ in their claims */
    /* phase that the i-th attached certificate must have, PHASE_NONE when none may be there; and
     * whether it must be there */
    uint8_t certificate_phase[MESSAGE_CERTIFICATES_MAX];
    bool certificate_required[MESSAGE_CERTIFICATES_MAX];
} phase_t;

#define PHASE_NONE 255

/* Two statements of one author that the phase forbids to be both said: same slot, other content. */
bool phase_conflict(const phase_t *phase, const statement_t *a, const statement_t *b);

#endif
