/* The tally in one flat range without pointers: header, bitmap of those who voted, one slot a
 * member.
 *
 * Votes that agree form a group. The first voter of a group founds it: its slot holds the group's
 * statement, weight and place in the list of groups; the slots of the others hold only their
 * signature, their claims where these differ, and the founder's index. So there is room for as
 * many groups as members without a second table, and memory is read only where the bitmap says
 * that it was written: tally_reset clears the bitmap and leaves the slots alone.
 *
 * The heaviest group stands first in the list. While votes agree, or mostly agree, a vote costs one
 * comparison; a vote for something new costs one for each group, and each member can found one.
 *
 * Invariants: a founder's `group` is itself; weights of the groups sum to `weight`; group counts
 * sum to `count`, the number of bits set; no group is heavier than the first. */
#include "model/tally.h"

#include "base/check.h"

struct tally {
    uint64_t weight; /* of all who voted */
    uint32_t members;
    uint32_t count;
    member_t first_group; /* founder of the heaviest group, MEMBER_NONE while empty */
    bool claims_differ;
    uint64_t words[]; /* who voted; the slots follow */
};

typedef struct tally_slot {
    signature_t signature;
    member_t group; /* founder of the group */
    /* of a founder: */
    member_t next_group;
    uint32_t group_count;
    uint64_t group_weight;
    statement_t statement; /* in other slots only the claims are set, and only if they differ */
} tally_slot_t;

_Static_assert(sizeof(tally_t) % _Alignof(tally_slot_t) == 0, "slots stay aligned");

static size_t slots_offset(uint32_t members) {
    return sizeof(tally_t) + (size_t)bitset_words(members) * sizeof(uint64_t);
}

static tally_slot_t *slot_of(tally_t *tally, member_t member) {
    uint8_t *base = (uint8_t *)tally;
    return (tally_slot_t *)(void *)(base + slots_offset(tally->members)) + member;
}

static const tally_slot_t *slot_at(const tally_t *tally, member_t member) {
    const uint8_t *base = (const uint8_t *)tally;
    return (const tally_slot_t *)(const void *)(base + slots_offset(tally->members)) + member;
}

size_t tally_bytes(uint32_t members) {
    return slots_offset(members) + (size_t)members * sizeof(tally_slot_t);
}

void tally_reset(tally_t *tally, uint32_t members, bool claims_differ) {
    require(members >= 1 && members <= MEMBERS_MAX);
    tally->weight = 0;
    tally->members = members;
    tally->count = 0;
    tally->first_group = MEMBER_NONE;
    tally->claims_differ = claims_differ;
    memset(tally->words, 0, (size_t)bitset_words(members) * sizeof tally->words[0]);
}

bool tally_has(const tally_t *tally, member_t member) {
    require(member < tally->members);
    return bitset_has(tally->words, member);
}

uint64_t tally_weight(const tally_t *tally) {
    return tally->weight;
}

uint32_t tally_count(const tally_t *tally) {
    return tally->count;
}

/* Founder of the group that a statement belongs to, or MEMBER_NONE; `*before` becomes the founder
 * that stands before it in the list (the last one when there is no such group). */
static member_t find_group(const tally_t *tally, const statement_t *statement, member_t *before) {
    *before = MEMBER_NONE;
    member_t group = tally->first_group;
    while (group != MEMBER_NONE) {
        const tally_slot_t *founder = slot_at(tally, group);
        if (statement_equal(&founder->statement, statement, tally->claims_differ))
            return group;
        *before = group;
        group = founder->next_group;
    }
    return MEMBER_NONE;
}

static void link_last(tally_t *tally, member_t group, member_t last) {
    slot_of(tally, group)->next_group = MEMBER_NONE;
    if (last == MEMBER_NONE)
        tally->first_group = group;
    else
        slot_of(tally, last)->next_group = group;
}

/* Keeps the heaviest group first. */
static void promote(tally_t *tally, member_t group, member_t before) {
    if (before == MEMBER_NONE)
        return;
    tally_slot_t *founder = slot_of(tally, group);
    if (founder->group_weight <= slot_of(tally, tally->first_group)->group_weight)
        return;
    slot_of(tally, before)->next_group = founder->next_group;
    founder->next_group = tally->first_group;
    tally->first_group = group;
}

/* Writes the vote into its member's slot and counts it for its group; returns the founder. */
static member_t count_vote(tally_t *tally, const message_t *vote, uint64_t weight) {
    const member_t author = vote->author;
    member_t before;
    member_t group = find_group(tally, &vote->statement, &before);
    tally_slot_t *slot = slot_of(tally, author);
    slot->signature = vote->signature;
    if (group == MEMBER_NONE) {
        group = author;
        slot->statement = vote->statement;
        slot->group_weight = 0;
        slot->group_count = 0;
        link_last(tally, author, before);
    } else if (tally->claims_differ) {
        memcpy(slot->statement.claims, vote->statement.claims, sizeof slot->statement.claims);
    }
    slot->group = group;
    tally_slot_t *founder = slot_of(tally, group);
    founder->group_weight += weight;
    founder->group_count++;
    promote(tally, group, before);
    ensure(founder->group_weight <= slot_of(tally, tally->first_group)->group_weight);
    bitset_add(tally->words, author);
    tally->weight += weight;
    tally->count++;
    return group;
}

tally_outcome_t tally_add(tally_t *tally, const committee_t *committee, const message_t *vote,
                          uint64_t *weight) {
    require(committee->size == tally->members && vote->author < tally->members);
    tally_outcome_t outcome = TALLY_COUNTED;
    member_t group;
    if (tally_has(tally, vote->author)) {
        statement_t counted;
        tally_vote(tally, vote->author, &counted, NULL);
        const bool repeated = statement_equal(&counted, &vote->statement, false);
        outcome = repeated ? TALLY_REPEATED : TALLY_CONFLICT; /* attack Q13 */
        member_t before;
        group = find_group(tally, &vote->statement, &before);
    } else {
        group = count_vote(tally, vote, committee_weight(committee, vote->author));
    }
    if (weight != NULL)
        *weight = group == MEMBER_NONE ? 0 : slot_at(tally, group)->group_weight;
    ensure(tally->weight <= committee->weight_total);
    return outcome;
}

void tally_vote(const tally_t *tally, member_t member, statement_t *statement,
                signature_t *signature) {
    require(tally_has(tally, member));
    const tally_slot_t *slot = slot_at(tally, member);
    if (statement != NULL) {
        *statement = slot_at(tally, slot->group)->statement;
        if (tally->claims_differ)
            memcpy(statement->claims, slot->statement.claims, sizeof statement->claims);
    }
    if (signature != NULL)
        *signature = slot->signature;
}

void tally_certify(const tally_t *tally, const committee_t *committee, const statement_t *statement,
                   certificate_t *to) {
    require(committee->size == tally->members);
    member_t before;
    const member_t group = find_group(tally, statement, &before);
    require(group != MEMBER_NONE);
    const tally_slot_t *founder = slot_at(tally, group);
    certificate_begin(to, &founder->statement, tally->members, founder->group_count,
                      tally->claims_differ);
    uint32_t index = 0;
    for (member_t member = bitset_next(tally->words, tally->members, 0); member < tally->members;
         member = bitset_next(tally->words, tally->members, member + 1)) {
        const tally_slot_t *slot = slot_at(tally, member);
        if (slot->group == group)
            certificate_put(to, index++, member, &slot->signature, slot->statement.claims);
    }
    ensure(index == founder->group_count);
}
