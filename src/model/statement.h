/* The statement: what is signed, always, with one fixed encoding (docs/formats/statement.md).
 *
 * The author is not in it (the key says who), so the statements of the signers of one certificate
 * are equal bytes, up to claims where the phase lets them differ. Everything that gives a signature
 * its meaning is in it: domain (chain, protocol, parameters), epoch, path, phase, body, view,
 * height, subject, digest, claims (attacks Q3, Q4, K2). */
#ifndef MODEL_STATEMENT_H
#define MODEL_STATEMENT_H

#include "model/ids.h"

/* A signed claim: the highest certificate known in a time-out, the certificate that a vote relies
 * on, source and target of a finality vote. */
typedef struct claim {
    view_t view;
    digest_t digest;
} claim_t;

#define CLAIMS_MAX 2
#define STATEMENT_BYTES 216

typedef struct statement {
    epoch_t epoch;
    path_t path;
    view_t view;
    height_t height;
    member_t subject; /* whose: MEMBER_NONE unless the phase speaks about a member */
    uint8_t phase;    /* index in the protocol's phase table */
    uint8_t body;     /* body_t */
    uint8_t claim_count;
    digest_t digest;
    claim_t claims[CLAIMS_MAX];
} statement_t;

/* Do its counts fit its arrays? Asked of whatever a peer wrote; all other functions require it. */
static inline bool statement_bounded(const statement_t *statement) {
    return statement->path.length <= PATH_PARTS_MAX && statement->claim_count <= CLAIMS_MAX;
}

/* Writes the STATEMENT_BYTES that are signed; unused claims and path parts are zero. */
void statement_encode(const statement_t *statement, const digest_t *domain,
                      uint8_t to[STATEMENT_BYTES]);

/* Field by field; `ignore_claims` where the phase lets claims differ. */
bool statement_equal(const statement_t *a, const statement_t *b, bool ignore_claims);

bool claim_equal(const claim_t *a, const claim_t *b);

#endif
