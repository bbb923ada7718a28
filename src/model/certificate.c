/* Certificates: layout, builder, judgement and verification.
 *
 * Invariants of a certificate that was built here or judged: bits of the bitmap = signers, none at
 * or above `members`, so one member counts once however it signed (attacks Q1, Q2); fields that do
 * not count are zero. What a peer sent is only looked at in certificate_judge and
 * certificate_verify, which check each bound before they use it (Q9). */
#include "model/certificate.h"

#include "base/check.h"
#include "model/message.h"

static size_t signatures_offset(uint32_t members) {
    return sizeof(certificate_t) + (size_t)bitset_words(members) * sizeof(uint64_t);
}

static size_t claims_offset(uint32_t members, uint32_t signers) {
    return signatures_offset(members) + (size_t)signers * sizeof(signature_t);
}

_Static_assert(sizeof(certificate_t) % 8 == 0 && sizeof(signature_t) % 8 == 0,
               "bitmap and claims stay aligned");

size_t certificate_bytes(uint32_t members, uint32_t signers, uint8_t claim_count,
                         bool claims_differ) {
    const size_t claims = claims_differ ? (size_t)signers * claim_count : 0;
    return claims_offset(members, signers) + claims * sizeof(claim_t);
}

size_t certificate_size(const certificate_t *certificate) {
    return certificate_bytes(certificate->members, certificate->signers,
                             certificate->statement.claim_count, certificate->claims_differ);
}

size_t certificate_bytes_max(uint32_t members) {
    return certificate_bytes(members, members, CLAIMS_MAX, true);
}

const signature_t *certificate_signature(const certificate_t *certificate, uint32_t index) {
    require(index < certificate->signers);
    const uint8_t *base = (const uint8_t *)certificate;
    return (const signature_t *)(const void *)(base + signatures_offset(certificate->members)) +
           index;
}

const claim_t *certificate_claim(const certificate_t *certificate, uint32_t index, uint32_t k) {
    require(index < certificate->signers && k < certificate->statement.claim_count);
    if (!certificate->claims_differ)
        return &certificate->statement.claims[k];
    const uint8_t *base = (const uint8_t *)certificate;
    const size_t offset = claims_offset(certificate->members, certificate->signers);
    return (const claim_t *)(const void *)(base + offset) +
           ((size_t)index * certificate->statement.claim_count + k);
}

statement_t certificate_statement_of(const certificate_t *certificate, uint32_t index) {
    require(index < certificate->signers);
    statement_t statement = certificate->statement;
    for (uint32_t k = 0; k < statement.claim_count; k++)
        statement.claims[k] = *certificate_claim(certificate, index, k);
    return statement;
}

view_t certificate_highest_claim(const certificate_t *certificate, uint32_t k) {
    if (certificate_is_genesis(certificate))
        return 0; /* nobody signed it, nobody claims more */
    require(k < certificate->statement.claim_count);
    if (!certificate->claims_differ)
        return certificate->statement.claims[k].view;
    view_t highest = 0;
    for (uint32_t i = 0; i < certificate->signers; i++) {
        const view_t view = certificate_claim(certificate, i, k)->view;
        if (view > highest)
            highest = view;
    }
    return highest;
}

/* Copies what counts and leaves the rest zero, padding included: equal certificates are equal
 * memory, whatever the sender left in the fields that do not count. */
static void copy_statement(statement_t *to, const statement_t *from, bool claims_differ) {
    require(statement_bounded(from));
    to->epoch = from->epoch;
    to->path.length = from->path.length;
    for (uint32_t i = 0; i < from->path.length; i++)
        to->path.parts[i] = from->path.parts[i];
    to->view = from->view;
    to->height = from->height;
    to->subject = from->subject;
    to->phase = from->phase;
    to->body = from->body;
    to->claim_count = from->claim_count;
    to->digest = from->digest;
    for (uint32_t k = 0; !claims_differ && k < from->claim_count; k++)
        to->claims[k] = from->claims[k];
}

void certificate_begin(certificate_t *certificate, const statement_t *statement, uint32_t members,
                       uint32_t signers, bool claims_differ) {
    require(members >= 1 && members <= MEMBERS_MAX && signers <= members);
    /* Without claims there is nothing that could differ: one form only. */
    const bool differ = claims_differ && statement->claim_count > 0;
    memset(certificate, 0, certificate_bytes(members, signers, statement->claim_count, differ));
    copy_statement(&certificate->statement, statement, differ);
    certificate->members = members;
    certificate->signers = signers;
    certificate->claims_differ = differ;
}

void certificate_put(certificate_t *certificate, uint32_t index, member_t member,
                     const signature_t *signature, const claim_t *claims) {
    require(index < certificate->signers && member < certificate->members);
    /* Each signer once and in ascending order, so that rank and index are the same (attack Q1). */
    require(!certificate_has(certificate, member));
    require(bitset_rank(certificate->words, member) == index);
    bitset_add(certificate->words, member);
    uint8_t *base = (uint8_t *)certificate;
    const size_t at = signatures_offset(certificate->members) + index * sizeof *signature;
    memcpy(base + at, signature, sizeof *signature);
    if (!certificate->claims_differ)
        return;
    require(claims != NULL);
    const size_t size = certificate->statement.claim_count * sizeof *claims;
    memcpy(base + claims_offset(certificate->members, certificate->signers) + index * size, claims,
           size);
}

void certificate_genesis(certificate_t *certificate, const committee_t *committee,
                         const digest_t *anchor, uint8_t phase) {
    const statement_t statement = {.epoch = committee->epoch,
                                   .subject = MEMBER_NONE,
                                   .phase = phase,
                                   .body = BODY_VOTE,
                                   .digest = *anchor};
    certificate_begin(certificate, &statement, committee->size, 0, false);
    ensure(certificate_is_genesis(certificate));
}

bool certificate_is_genesis(const certificate_t *certificate) {
    return certificate->statement.view == 0;
}

/* View 0 is not "always valid": it has one form and stands for the anchor alone (attack Q14). */
static synod_status judge_genesis(const certificate_t *certificate, const digest_t *anchor) {
    const statement_t *statement = &certificate->statement;
    if (certificate->signers != 0 || certificate->claims_differ || statement->claim_count != 0 ||
        statement->height != 0 || statement->subject != MEMBER_NONE || statement->body != BODY_VOTE)
        return SYNOD_MALFORMED;
    if (anchor == NULL || !digest_equal(&statement->digest, anchor))
        return SYNOD_MISMATCH;
    return SYNOD_OK;
}

/* Claims that differ are kept per signer; the statement's own must then be zero, or two
 * certificates with the same meaning would have different bytes. */
static bool claims_canonical(const certificate_t *certificate) {
    static const claim_t zero;
    if (!certificate->claims_differ)
        return true;
    if (certificate->statement.claim_count == 0)
        return false;
    for (uint32_t k = 0; k < CLAIMS_MAX; k++) {
        if (!claim_equal(&certificate->statement.claims[k], &zero))
            return false;
    }
    return true;
}

synod_status certificate_judge(const certificate_t *certificate, const committee_t *committee,
                               quorum_t quorum, const digest_t *anchor) {
    if (certificate->statement.epoch != committee->epoch)
        return SYNOD_WRONG_EPOCH; /* attack Q10 */
    /* The length of the bitmap follows from `members`: nothing of it is read before this. */
    if (certificate->members != committee->size || certificate->signers > committee->size)
        return SYNOD_MALFORMED; /* attack Q9 */
    if (!statement_bounded(&certificate->statement) || !claims_canonical(certificate))
        return SYNOD_MALFORMED;
    const uint32_t bits = 64 * bitset_words(certificate->members);
    if (bitset_next(certificate->words, bits, certificate->members) != bits)
        return SYNOD_NOT_MEMBER; /* a signer beyond the committee: attack Q9 */
    if (bitset_count(certificate->words, certificate->members) != certificate->signers)
        return SYNOD_MALFORMED; /* attack Q1 */
    if (certificate_is_genesis(certificate))
        return judge_genesis(certificate, anchor);
    if (!quorum_met(committee, quorum, certificate->words))
        return SYNOD_NO_QUORUM;
    return SYNOD_OK;
}

/* One signature, unless the very same was verified before. */
static synod_status verify_one(const committee_t *committee, member_t member,
                               const uint8_t statement[STATEMENT_BYTES],
                               const signature_t *signature, const certificate_known_t *known) {
    if (known != NULL && known->known(known->context, member, statement, signature))
        return SYNOD_OK;
    const verifier_t *verifier = committee->verifier;
    return verifier->verify(verifier->context, &committee->members[member].key,
                            bytes_of(statement, STATEMENT_BYTES), signature);
}

synod_status certificate_verify(const certificate_t *certificate, const committee_t *committee,
                                const certificate_known_t *known) {
    if (certificate->statement.epoch != committee->epoch)
        return SYNOD_WRONG_EPOCH;
    if (certificate->members != committee->size || !statement_bounded(&certificate->statement))
        return SYNOD_MALFORMED;
    if (certificate->signers == 0)
        return certificate_is_genesis(certificate) ? SYNOD_OK : SYNOD_NO_QUORUM;
    uint8_t encoded[STATEMENT_BYTES];
    if (!certificate->claims_differ)
        statement_encode(&certificate->statement, &committee->domain, encoded);
    member_t member = bitset_next(certificate->words, certificate->members, 0);
    for (uint32_t i = 0; i < certificate->signers; i++) {
        if (member >= certificate->members)
            return SYNOD_MALFORMED;
        if (certificate->claims_differ) {
            const statement_t statement = certificate_statement_of(certificate, i);
            statement_encode(&statement, &committee->domain, encoded);
        }
        const synod_status status =
            verify_one(committee, member, encoded, certificate_signature(certificate, i), known);
        if (status != SYNOD_OK)
            return status; /* all or nothing: attack Q8 */
        member = bitset_next(certificate->words, certificate->members, member + 1);
    }
    return member >= certificate->members ? SYNOD_OK : SYNOD_MALFORMED;
}
