/* The one encoding of what is signed (docs/formats/statement.md): every field at its own fixed
 * offset, the tag first, so that no two statements share bytes and no other signed thing of Synod
 * can be read as a statement (attacks Q3, Q4, K2).
 *
 * Invariants: fields that do not count (unused path parts and claims) are encoded as zero and
 * ignored by equality, so two statements are equal exactly when their encodings are. */
#include "model/statement.h"

#include "base/check.h"

enum {
    AT_TAG = 0,
    AT_DOMAIN = 16,
    AT_EPOCH = 48,
    AT_PATH = 56,
    AT_PATH_LENGTH = 76,
    AT_PHASE = 77,
    AT_BODY = 78,
    AT_CLAIM_COUNT = 79,
    AT_VIEW = 80,
    AT_HEIGHT = 88,
    AT_SUBJECT = 96,
    AT_DIGEST = 104,
    AT_CLAIMS = 136,
    CLAIM_BYTES = 40,
    CLAIM_AT_DIGEST = 8
};

_Static_assert(AT_CLAIMS + CLAIMS_MAX * CLAIM_BYTES == STATEMENT_BYTES, "statement layout");
_Static_assert(AT_PATH + PATH_PARTS_MAX * 4 == AT_PATH_LENGTH, "path layout");

static const char tag[] = "synod.statement1";
_Static_assert(sizeof tag - 1 == AT_DOMAIN, "tag fills its place");

void statement_encode(const statement_t *statement, const digest_t *domain,
                      uint8_t to[STATEMENT_BYTES]) {
    require(statement_bounded(statement));
    memset(to, 0, STATEMENT_BYTES);
    memcpy(to + AT_TAG, tag, sizeof tag - 1);
    memcpy(to + AT_DOMAIN, domain->bytes, sizeof domain->bytes);
    store_u64(to + AT_EPOCH, statement->epoch);
    for (uint32_t i = 0; i < statement->path.length; i++)
        store_u32(to + AT_PATH + 4 * i, statement->path.parts[i]);
    to[AT_PATH_LENGTH] = (uint8_t)statement->path.length;
    to[AT_PHASE] = statement->phase;
    to[AT_BODY] = statement->body;
    to[AT_CLAIM_COUNT] = statement->claim_count;
    store_u64(to + AT_VIEW, statement->view);
    store_u64(to + AT_HEIGHT, statement->height);
    store_u32(to + AT_SUBJECT, statement->subject);
    memcpy(to + AT_DIGEST, statement->digest.bytes, sizeof statement->digest.bytes);
    for (uint32_t k = 0; k < statement->claim_count; k++) {
        uint8_t *claim = to + AT_CLAIMS + CLAIM_BYTES * k;
        store_u64(claim, statement->claims[k].view);
        memcpy(claim + CLAIM_AT_DIGEST, statement->claims[k].digest.bytes, SYNOD_DIGEST_BYTES);
    }
}

bool claim_equal(const claim_t *a, const claim_t *b) {
    return a->view == b->view && digest_equal(&a->digest, &b->digest);
}

bool statement_equal(const statement_t *a, const statement_t *b, bool ignore_claims) {
    require(statement_bounded(a) && statement_bounded(b));
    /* What differs most often comes first. */
    if (!digest_equal(&a->digest, &b->digest) || a->view != b->view || a->height != b->height ||
        a->subject != b->subject || a->phase != b->phase || a->body != b->body ||
        a->claim_count != b->claim_count || a->epoch != b->epoch || !path_equal(&a->path, &b->path))
        return false;
    if (ignore_claims)
        return true;
    for (uint32_t k = 0; k < a->claim_count; k++) {
        if (!claim_equal(&a->claims[k], &b->claims[k]))
            return false;
    }
    return true;
}
