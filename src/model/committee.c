/* The committee: judged once when it is made, then trusted; and the arithmetic of quorums, which
 * is written nowhere else (attack Q11).
 *
 * With total weight W and f = floor((W - 1) / 3), two sets of weight q = ceil((W + f + 1) / 2)
 * share at least 2q - W >= f + 1, hence a correct member; and q <= W - f since W >= 3f + 1, so
 * waiting for W - f always suffices to decide. For W = 3f + 1 this q is the papers' 2f + 1; for
 * W = 5 (f = 1) it is 4, where 2f + 1 = 3 would be unsafe. */
#include "model/committee.h"

#include "base/bitset.h"
#include "base/check.h"

/* Slots of the set that finds equal keys: a power of two well above MEMBERS_MAX. */
#define KEY_SLOTS 16384u
_Static_assert(MEMBERS_MAX < KEY_SLOTS * 2 / 3, "probing stays short");

/* Finds a key that stands twice (attack K4); returns the index of the later, or MEMBER_NONE. Keys
 * that collide by malice cost at most the quadratic comparison that this avoids. */
static member_t find_repeated_key(const member_info_t *members, uint32_t size) {
    uint16_t slots[KEY_SLOTS] = {0}; /* member index + 1, 0 = free */
    for (uint32_t i = 0; i < size; i++) {
        const uint8_t *key = members[i].key.bytes;
        uint32_t slot = load_u32(key) % KEY_SLOTS;
        while (slots[slot] != 0) {
            if (memcmp(members[slots[slot] - 1].key.bytes, key, SYNOD_KEY_BYTES) == 0)
                return i;
            slot = (slot + 1) % KEY_SLOTS;
        }
        slots[slot] = (uint16_t)(i + 1);
    }
    return MEMBER_NONE;
}

/* Sums the weights; MEMBER_NONE, or the member whose weight cannot stand. */
static member_t sum_weights(const member_info_t *members, uint32_t size, uint64_t *total) {
    *total = 0;
    for (uint32_t i = 0; i < size; i++) {
        if (members[i].weight == 0 || members[i].weight > COMMITTEE_WEIGHT_MAX - *total)
            return i;
        *total += members[i].weight;
    }
    return MEMBER_NONE;
}

synod_status committee_make(committee_t *committee, const digest_t *domain, epoch_t epoch,
                            const member_info_t *members, uint32_t size, const verifier_t *verifier,
                            member_t *culprit) {
    require(verifier != NULL && culprit != NULL);
    *culprit = MEMBER_NONE;
    if (size == 0 || size > MEMBERS_MAX)
        return SYNOD_MALFORMED;
    uint64_t total;
    *culprit = sum_weights(members, size, &total);
    if (*culprit != MEMBER_NONE)
        return SYNOD_MALFORMED;
    for (uint32_t i = 0; i < size; i++) {
        if (verifier->judge_key(verifier->context, &members[i].key) != SYNOD_OK) {
            *culprit = i;
            return SYNOD_BAD_KEY; /* attack X19 */
        }
    }
    *culprit = find_repeated_key(members, size);
    if (*culprit != MEMBER_NONE)
        return SYNOD_DUPLICATE;
    *committee = (committee_t){.domain = *domain,
                               .epoch = epoch,
                               .size = size,
                               .weight_total = total,
                               .faults = (total - 1) / 3,
                               .verifier = verifier,
                               .members = members};
    ensure(quorum_weight(committee, QUORUM_DECIDE) <= quorum_weight(committee, QUORUM_RESPOND));
    return SYNOD_OK;
}

member_t committee_find(const committee_t *committee, const key_public_t *key) {
    for (uint32_t i = 0; i < committee->size; i++) {
        if (memcmp(committee->members[i].key.bytes, key->bytes, sizeof key->bytes) == 0)
            return i;
    }
    return MEMBER_NONE;
}

uint64_t quorum_weight(const committee_t *committee, quorum_t quorum) {
    const uint64_t total = committee->weight_total;
    const uint64_t faults = committee->faults;
    switch (quorum) {
    case QUORUM_ONE_HONEST:
        return faults + 1;
    case QUORUM_DECIDE:
        return (total + faults + 2) / 2; /* ceil((total + faults + 1) / 2) */
    case QUORUM_RESPOND:
        return total - faults;
    case QUORUM_ALL:
        return total;
    }
    check_failed("require", "a quorum of the enumeration", __FILE__, __LINE__, __func__);
}

uint64_t committee_set_weight(const committee_t *committee, const uint64_t *words) {
    /* Weights are 1 or more, so a total equal to the size means that all are 1. */
    if (committee->weight_total == committee->size)
        return bitset_count(words, committee->size);
    uint64_t weight = 0;
    for (uint32_t member = bitset_next(words, committee->size, 0); member < committee->size;
         member = bitset_next(words, committee->size, member + 1))
        weight += committee_weight(committee, member);
    return weight;
}

bool quorum_met(const committee_t *committee, quorum_t quorum, const uint64_t *words) {
    return committee_set_weight(committee, words) >= quorum_weight(committee, quorum);
}

bool quorum_reachable(const committee_t *committee, quorum_t quorum, const uint64_t *lost) {
    const uint64_t left = committee->weight_total - committee_set_weight(committee, lost);
    return left >= quorum_weight(committee, quorum);
}
