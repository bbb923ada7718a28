/* Batches of requests and what speaks about them (docs/protocols/payload.md): the batch itself, an
 * acknowledgement, a question, and the reference by which a block names certified batches.
 *
 * Each author has one lane: batches 1, 2, 3 ... each named by a digest over the one before. So a
 * signature under the name of one batch covers all below it, and a reference that lists sizes and
 * digests of a few batches and proves the name of the last proves all of them. */
#ifndef CODEC_BATCH_CODEC_H
#define CODEC_BATCH_CODEC_H

#include "codec/frame.h"
#include "model/certificate.h"

/* Batches of one lane that are not ordered yet; also the most that one reference names. */
#define LANE_WINDOW 16
/* Batches that one block may name. */
#define BLOCK_BATCHES_MAX 256

/* What is known of a batch without its bytes. */
typedef struct batch_entry {
    uint32_t size_bytes, requests; /* neither is 0 */
    digest_t content;              /* of its bytes */
} batch_entry_t;

typedef struct batch {
    member_t author;
    uint64_t sequence; /* 1 and up */
    digest_t parent;   /* name of the one before; zero for the first */
    bytes_t requests;  /* one after another, as in a payload */
} batch_t;
#define BATCH_HEADER_BYTES 44

typedef struct batch_ack {
    member_t author;
    uint64_t sequence;
    digest_t name;
    signature_t signature; /* over batch_statement */
} batch_ack_t;
#define BATCH_ACK_BYTES 108

typedef struct batch_ask {
    member_t author;
    uint64_t sequence;
} batch_ask_t;
#define BATCH_ASK_BYTES 12

/* `count` batches of one author, `first` and those after it, and who acknowledged the last. */
typedef struct batch_reference {
    member_t author;
    uint64_t first;
    uint32_t count; /* 1 to LANE_WINDOW */
    batch_entry_t entries[LANE_WINDOW];
    bytes_t signers;    /* bitmap of (members + 7) / 8 bytes */
    bytes_t signatures; /* in the order of members */
} batch_reference_t;
#define BATCH_REFERENCE_FIXED_BYTES 16
#define BATCH_ENTRY_BYTES 40

digest_t batch_content(bytes_t requests);
/* The name of batch `sequence`, which stands on the one that is named `parent`. */
digest_t batch_name(member_t author, uint64_t sequence, const digest_t *parent,
                    const batch_entry_t *entry);
/* By which a block names a payload of references; zero for none. */
digest_t batch_payload_digest(bytes_t references);
/* What an acknowledgement signs. No phase of a protocol has such a statement. */
statement_t batch_statement(epoch_t epoch, member_t author, uint64_t sequence,
                            const digest_t *name);
/* The certificate in a reference whose last batch has this name, in memory of
 * certificate_bytes_max. MALFORMED; quorum and signatures are not looked at. */
synod_status batch_certificate(const batch_reference_t *reference, const digest_t *name,
                               const committee_t *committee, certificate_t *to);

void batch_encode(const batch_t *batch, writer_t *writer);
synod_status batch_decode(reader_t *reader, batch_t *batch);
void batch_ack_encode(const batch_ack_t *ack, writer_t *writer);
synod_status batch_ack_decode(reader_t *reader, batch_ack_t *ack);
void batch_ask_encode(const batch_ask_t *ask, writer_t *writer);
synod_status batch_ask_decode(reader_t *reader, batch_ask_t *ask);
size_t batch_reference_bytes(const batch_reference_t *reference);
void batch_reference_encode(const batch_reference_t *reference, writer_t *writer);
/* From the front of the reader: a payload is references one after another. */
synod_status batch_reference_decode(reader_t *reader, uint32_t members,
                                    batch_reference_t *reference);

#endif
