/* The committee of an epoch: who may sign, with which weight; and the one quorum abstraction.
 *
 * Thresholds are sums of weight; an unweighted committee gives each member 1, so that f, n - f and
 * the rest are the numbers of the papers. A committee is judged when it is made (K4, X19): no
 * member twice, no weak key, no zero weight, no overflow. */
#ifndef MODEL_COMMITTEE_H
#define MODEL_COMMITTEE_H

#include "crypto/sign.h"
#include "model/ids.h"

/* Total weight stays below 2^32, so that 2 * total + 1 never overflows 64 bits (attack Q11). */
#define COMMITTEE_WEIGHT_MAX UINT32_MAX

typedef struct member_info {
    key_public_t key;     /* signs statements */
    uint64_t weight;      /* 1 or more */
    uint64_t incarnation; /* raised when a member is admitted again after losing its records */
} member_info_t;

typedef struct committee {
    digest_t domain; /* chain, protocol and parameters: hash of the canonical genesis */
    epoch_t epoch;
    uint32_t size;         /* members, 1 to MEMBERS_MAX */
    uint64_t weight_total; /* sum of weights = n when unweighted */
    uint64_t faults;       /* f: the largest faulty weight tolerated, floor((total - 1) / 3) */
    const verifier_t *verifier;
    const member_info_t *members; /* borrowed, `size` of them */
} committee_t;

/* Fills `committee` over borrowed `members`. SYNOD_BAD_KEY, SYNOD_DUPLICATE, SYNOD_MALFORMED (size
 * or weight) name what is wrong; `*culprit` is then the member index. */
synod_status committee_make(committee_t *committee, const digest_t *domain, epoch_t epoch,
                            const member_info_t *members, uint32_t size, const verifier_t *verifier,
                            member_t *culprit);

/* Index of a key, or MEMBER_NONE. Linear: for set-up and accusations, not for each message. */
member_t committee_find(const committee_t *committee, const key_public_t *key);

static inline uint64_t committee_weight(const committee_t *committee, member_t member) {
    return committee->members[member].weight;
}

/* Quorums by what they mean. */
typedef enum quorum {
    QUORUM_ONE_HONEST = 0, /* f + 1: at least one correct member is in it */
    QUORUM_DECIDE = 1,     /* ceil((n + f + 1) / 2): any two share a correct member (also "echo") */
    QUORUM_RESPOND = 2,    /* n - f: all that one may wait for */
    QUORUM_ALL = 3         /* n */
} quorum_t;

/* Least weight that makes the quorum. */
uint64_t quorum_weight(const committee_t *committee, quorum_t quorum);
/* Weight of the members whose bit is set. */
uint64_t committee_set_weight(const committee_t *committee, const uint64_t *words);
/* Do the members of the set make the quorum? */
bool quorum_met(const committee_t *committee, quorum_t quorum, const uint64_t *words);
/* Could it still be made if all members outside of `lost` joined? No: a deadlock, seen at once. */
bool quorum_reachable(const committee_t *committee, quorum_t quorum, const uint64_t *lost);

#endif
