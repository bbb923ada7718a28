/* See the header. Linear scans: a ballot holds at most two answers a member, and f + 1 are enough. */
#include "client/client_ballot.h"

#include "base/check.h"

static bool says_same(const answer_t *a, const answer_t *b) {
    return a->class == b->class && digest_equal(&a->digest, &b->digest);
}

ballot_t ballot_of(answer_t *answers, uint32_t capacity) {
    require(answers != NULL && capacity > 0);
    return (ballot_t){.answers = answers, .capacity = capacity};
}

void ballot_clear(ballot_t *ballot) {
    ballot->count = 0;
}

static answer_t *find_voice(ballot_t *ballot, member_t member, answer_class_t class) {
    for (uint32_t i = 0; i < ballot->count; i++) {
        answer_t *answer = &ballot->answers[i];
        if (answer->member == member && answer->class == class) {
            return answer;
        }
    }
    return NULL;
}

uint64_t ballot_put(ballot_t *ballot, const committee_t *committee, const answer_t *answer) {
    require(answer->member < committee->size);
    answer_t *voice = find_voice(ballot, answer->member, answer->class); /* attack C5 */
    if (voice == NULL) {
        invariant(ballot->count < ballot->capacity);
        voice = &ballot->answers[ballot->count++];
    }
    *voice = *answer;
    uint64_t weight = 0;
    for (uint32_t i = 0; i < ballot->count; i++) {
        if (says_same(&ballot->answers[i], answer)) {
            weight += committee_weight(committee, ballot->answers[i].member);
        }
    }
    ensure(weight >= 1 && weight <= committee->weight_total);
    return weight;
}

uint64_t ballot_weight(const ballot_t *ballot, const committee_t *committee,
                       answer_class_t class) {
    uint64_t weight = 0;
    for (uint32_t i = 0; i < ballot->count; i++) {
        if (ballot->answers[i].class == class) {
            weight += committee_weight(committee, ballot->answers[i].member);
        }
    }
    return weight;
}

bool ballot_has(const ballot_t *ballot, member_t member) {
    for (uint32_t i = 0; i < ballot->count; i++) {
        if (ballot->answers[i].member == member) {
            return true;
        }
    }
    return false;
}

member_t ballot_first(const ballot_t *ballot, const answer_t *like) {
    for (uint32_t i = 0; i < ballot->count; i++) {
        if (says_same(&ballot->answers[i], like)) {
            return ballot->answers[i].member;
        }
    }
    return MEMBER_NONE;
}

uint64_t ballot_height_min(const ballot_t *ballot, const answer_t *like) {
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < ballot->count; i++) {
        if (says_same(&ballot->answers[i], like) && ballot->answers[i].height < least) {
            least = ballot->answers[i].height;
        }
    }
    return least;
}
