/* Requests and replies (docs/formats/request.md).
 *
 * A request is what is ordered, executed once and answered: one sequence number of one session, one
 * signature, and one or many operations (the batch that the signature covers). A session is opened
 * by a request that carries the client's key; its number is given by the ledger when it is ordered,
 * so that requests signed for an evicted session never fit a later one.
 *
 * body (encoded): session u64 (0 = open), sequence u64, acknowledged u64, operation count u32, then
 * each operation: length u32, bytes. An open request has one operation: key[32], nonce u64.
 * request = body, signature[64].
 * digest  = SHA-256(body); signed bytes = tag[16] "synod.request.v1", domain[32], digest[32].
 * leaf in the payload's Merkle tree = H(0x00 || digest || signature). */
#ifndef CODEC_REQUEST_H
#define CODEC_REQUEST_H

#include "crypto/sign.h"

#define REQUEST_HEADER_BYTES 28
#define REQUEST_OPERATIONS_MAX 1024
/* A whole encoded request; below the smallest allowed block payload bound. */
#define REQUEST_BYTES_MAX (1u << 20)
#define REQUEST_OPEN_BYTES 40
#define REQUEST_SIGNED_BYTES 80

typedef struct request {
    uint64_t session;      /* 0: open */
    uint64_t sequence;     /* 1 and up within a session; 0 for open */
    uint64_t acknowledged; /* all sequences up to this one are settled at the client; < sequence */
    uint32_t operation_count;
    bytes_t operations; /* encoded operations, judged by decode */
    bytes_t body;       /* all that the digest covers */
    bytes_t encoded;    /* body and signature */
    signature_t signature;
} request_t;

/* Decodes one request from the front of the reader; judges structure and bounds. Borrows. */
synod_status request_decode(reader_t *reader, request_t *request);
/* Walks the operations: `*at` starts at 0; false at the end. */
bool request_operation(const request_t *request, size_t *at, bytes_t *operation);
/* Key and nonce of an open request (session 0). */
void request_open_fields(const request_t *request, key_public_t *key, uint64_t *nonce);

digest_t request_digest(const request_t *request);
void request_signed_bytes(const digest_t *domain, const digest_t *digest,
                          uint8_t to[REQUEST_SIGNED_BYTES]);
digest_t request_leaf(const digest_t *digest, const signature_t *signature);

/* Encoder: begin, operations, then finish signs. The writer holds the whole request. */
void request_begin(writer_t *writer, uint64_t session, uint64_t sequence, uint64_t acknowledged);
void request_add(writer_t *writer, bytes_t operation);
/* Patches the count and appends the signature; `start` is where begin started. */
synod_status request_finish(writer_t *writer, size_t start, const digest_t *domain,
                            const signer_t *signer);

/* A payload is requests one after another, borrowed by `requests`. SYNOD_MALFORMED and friends, or
 * SYNOD_TOO_LARGE when there are more than `capacity`; `*count` is then how many were good. */
synod_status payload_walk(bytes_t payload, request_t *requests, uint32_t capacity, uint32_t *count);
/* Root over the requests' leaves; zero digest for none. `digests` are the requests' digests. */
digest_t payload_root(const request_t *requests, const digest_t *digests, uint32_t count,
                      digest_t *scratch);

/* ---- attaching ---- */

/* A client proves that it holds a session key, so that replies for that key's sessions come over
 * this link: replicas that never saw the request answer too. Signed: tag[16] "synod.attach.v01",
 * domain[32], the replica's member index u64, the `connection` of the replica's hello u64,
 * key[32]. */
typedef struct attach {
    key_public_t key;
    signature_t signature;
} attach_t;
#define ATTACH_BYTES 96
#define ATTACH_SIGNED_BYTES 96

void attach_signed_bytes(const digest_t *domain, uint32_t member, uint64_t connection,
                         const key_public_t *key, uint8_t to[ATTACH_SIGNED_BYTES]);
void attach_encode(const attach_t *attach, writer_t *writer);
synod_status attach_decode(reader_t *reader, attach_t *attach);

/* ---- replies ---- */

/* What a replica says about a request. Client accepts at f + 1 replicas with equal (session,
 * sequence, status, height, result). */
typedef struct reply {
    uint64_t session;
    uint64_t sequence;    /* for an open: the nonce */
    synod_status status;  /* OK, BUSY, EXPIRED, INVALID, APP_ERROR */
    uint64_t height;      /* block that executed it; 0 when it did not run */
    uint64_t leader_hint; /* where to send: leader's index + 1, 0 unknown; need not match */
    bytes_t result; /* per operation: status u8, length u32, bytes; for an open: session u64 */
} reply_t;

size_t reply_encoded_bytes(const reply_t *reply);
void reply_encode(const reply_t *reply, writer_t *writer);
/* Bounds and status only: the result is judged by reply_operation, when f + 1 replicas said it. */
synod_status reply_decode(reader_t *reader, reply_t *reply);
/* Walks the results of the operations: `*at` starts at 0; false at the end, which is right when
 * `*at` is the size of the result, or where the result is malformed. */
bool reply_operation(const reply_t *reply, size_t *at, synod_status *status, bytes_t *result);

#endif
