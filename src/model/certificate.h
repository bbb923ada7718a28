/* Certificates: one statement, a bitmap of signers, one signature each, claims per signer where the
 * phase lets them differ. Flat memory without pointers: memcpy clones it.
 *
 * Layout after the header: bitmap (bitset_words(members) words), then for each signer in ascending
 * member order its signature, then, if claims_differ, for each signer its claim_count claims.
 * The signature scheme is a list now; whoever needs more than these functions offer is wrong, so an
 * aggregate scheme can follow.
 *
 * Genesis: the certificate of view 0 has no signers and is valid only for the epoch's anchor digest
 * at view 0 and height 0 (attack Q14). */
#ifndef MODEL_CERTIFICATE_H
#define MODEL_CERTIFICATE_H

#include "base/bitset.h"
#include "crypto/sign.h"
#include "model/committee.h"
#include "model/statement.h"

typedef struct certificate {
    statement_t statement; /* if claims_differ, its claims are zero and do not count */
    uint32_t members;      /* committee size: bits of the bitmap */
    uint32_t signers;      /* bits set */
    bool claims_differ;
    uint64_t words[]; /* see above */
} certificate_t;

/* Bytes of a certificate; claim_count is that of the statement. */
size_t certificate_bytes(uint32_t members, uint32_t signers, uint8_t claim_count,
                         bool claims_differ);
size_t certificate_size(const certificate_t *certificate);
/* Bytes of the largest certificate for this committee size: what cores and buffers reserve. */
size_t certificate_bytes_max(uint32_t members);

static inline bool certificate_has(const certificate_t *certificate, member_t member) {
    return bitset_has(certificate->words, member);
}
/* Signature and k-th claim of the i-th signer in ascending member order. */
const signature_t *certificate_signature(const certificate_t *certificate, uint32_t index);
const claim_t *certificate_claim(const certificate_t *certificate, uint32_t index, uint32_t k);
/* The statement that the i-th signer signed (its own claims filled in). */
statement_t certificate_statement_of(const certificate_t *certificate, uint32_t index);
/* Highest view among the k-th claims of all signers (of the statement if they do not differ). */
view_t certificate_highest_claim(const certificate_t *certificate, uint32_t k);

/* Builder: begin in memory of certificate_bytes_max, add signers in ascending member order. */
void certificate_begin(certificate_t *certificate, const statement_t *statement, uint32_t members,
                       uint32_t signers, bool claims_differ);
/* The index-th of the `signers` announced; members ascending. */
void certificate_put(certificate_t *certificate, uint32_t index, member_t member,
                     const signature_t *signature, const claim_t *claims);

/* The certificate of the anchor. */
void certificate_genesis(certificate_t *certificate, const committee_t *committee,
                         const digest_t *anchor, uint8_t phase);
bool certificate_is_genesis(const certificate_t *certificate);

/* Structure: bitmap length, signer count, ascending order, bounds (Q1, Q9), quorum (Q11), epoch
 * (Q10), anchor rule (Q14). No signature is looked at. */
synod_status certificate_judge(const certificate_t *certificate, const committee_t *committee,
                               quorum_t quorum, const digest_t *anchor);
/* Every signature in it (Q8: all or nothing). `known`, if not NULL, answers whether this very
 * signature of this member under this statement was verified before; it is then not done again. */
typedef struct certificate_known {
    bool (*known)(void *context, member_t member, const uint8_t statement[STATEMENT_BYTES],
                  const signature_t *signature);
    void *context;
} certificate_known_t;
synod_status certificate_verify(const certificate_t *certificate, const committee_t *committee,
                                const certificate_known_t *known);

#endif
