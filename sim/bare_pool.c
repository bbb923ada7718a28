/* What the liars together know: certificates, votes they may turn into certificates of their own,
 * and messages to say again. Bounded; what is new takes the place of what is oldest. */
#include <stdlib.h>

#include "sim/bare_state.h"

/* ---- certificates ---- */

static bool same_place(const certificate_t *a, const certificate_t *b) {
    return a->statement.phase == b->statement.phase && a->statement.view == b->statement.view &&
           digest_equal(&a->statement.digest, &b->statement.digest);
}

/* Of two for the same thing the one that claims less is worth more to a liar (attack H4). */
static void learn_certificate(adversary_t *adversary, const certificate_t *certificate) {
    for (uint32_t i = 0; i < KNOWN_CERTIFICATES; i++) {
        certificate_t *old = adversary->certificates[i];
        if (old == NULL || !same_place(old, certificate))
            continue;
        if (!certificate->claims_differ ||
            certificate_highest_claim(certificate, 0) >= certificate_highest_claim(old, 0))
            return;
        free(old);
        adversary->certificates[i] = bare_certificate_copy(certificate);
        return;
    }
    uint32_t place = adversary->certificate_next++ % KNOWN_CERTIFICATES;
    free(adversary->certificates[place]);
    adversary->certificates[place] = bare_certificate_copy(certificate);
}

const certificate_t *bare_pool_older(bare_t *world, uint8_t phase, view_t below) {
    const certificate_t *fit[KNOWN_CERTIFICATES];
    uint32_t count = 0;
    for (uint32_t i = 0; i < KNOWN_CERTIFICATES; i++) {
        const certificate_t *one = world->adversary.certificates[i];
        if (one != NULL && one->statement.phase == phase && one->statement.view < below)
            fit[count++] = one;
    }
    return count == 0 ? NULL : fit[prng_below(&world->chance.lie, count)];
}

const certificate_t *bare_pool_rival(bare_t *world, const certificate_t *certificate) {
    for (uint32_t i = 0; i < KNOWN_CERTIFICATES; i++) {
        const certificate_t *one = world->adversary.certificates[i];
        if (one != NULL && one->statement.phase == certificate->statement.phase &&
            one->statement.view == certificate->statement.view &&
            !digest_equal(&one->statement.digest, &certificate->statement.digest))
            return one;
    }
    return NULL;
}

const certificate_t *bare_pool_of_view(bare_t *world, uint8_t phase, view_t view) {
    for (uint32_t i = 0; i < KNOWN_CERTIFICATES; i++) {
        const certificate_t *one = world->adversary.certificates[i];
        if (one != NULL && one->statement.phase == phase && one->statement.view == view)
            return one;
    }
    return NULL;
}

/* ---- votes ---- */

static known_votes_t *votes_for(adversary_t *adversary, const statement_t *statement,
                                bool claims_differ) {
    for (uint32_t i = 0; i < KNOWN_VOTES; i++) {
        known_votes_t *votes = &adversary->votes[i];
        if (votes->members != 0 && statement_equal(&votes->statement, statement, claims_differ))
            return votes;
    }
    known_votes_t *votes = &adversary->votes[adversary->vote_next++ % KNOWN_VOTES];
    memset(votes, 0, sizeof *votes);
    votes->statement = *statement;
    return votes;
}

/* The members whose claims are lowest, as many as the quorum needs. */
static uint32_t humblest(const bare_t *world, const known_votes_t *votes, uint64_t quorum) {
    uint32_t chosen = 0;
    for (uint64_t weight = 0; weight < quorum; weight++) {
        member_t best = MEMBER_NONE;
        for (member_t m = 0; m < world->options.members; m++) {
            if ((votes->members >> m & 1) == 0 || (chosen >> m & 1) != 0)
                continue;
            if (best == MEMBER_NONE || votes->claims[m][0].view < votes->claims[best][0].view)
                best = m;
        }
        if (best == MEMBER_NONE)
            return 0; /* not enough */
        chosen |= UINT32_C(1) << best;
    }
    return chosen;
}

static void certify(bare_t *world, known_votes_t *votes, const phase_t *phase) {
    uint32_t chosen = humblest(world, votes, quorum_weight(&world->committee, phase->quorum));
    if (chosen == 0)
        return;
    uint32_t members = world->options.members, signers = 0, index = 0;
    for (member_t m = 0; m < members; m++)
        signers += chosen >> m & 1;
    certificate_t *certificate = malloc(certificate_bytes_max(members));
    require(certificate != NULL);
    certificate_begin(certificate, &votes->statement, members, signers, phase->claims_differ);
    for (member_t m = 0; m < members; m++)
        if ((chosen >> m & 1) != 0)
            certificate_put(certificate, index++, m, &votes->signatures[m], votes->claims[m]);
    learn_certificate(&world->adversary, certificate);
    free(certificate);
}

static void learn_vote(bare_t *world, const message_t *message) {
    const statement_t *statement = &message->statement;
    const phase_t *phase = &world->protocol->phases[statement->phase];
    if (phase->body != BODY_VOTE && phase->body != BODY_NEW_VIEW)
        return;
    known_votes_t *votes = votes_for(&world->adversary, statement, phase->claims_differ);
    votes->members |= UINT32_C(1) << message->author;
    votes->signatures[message->author] = message->signature;
    memcpy(votes->claims[message->author], statement->claims, sizeof statement->claims);
    certify(world, votes, phase);
}

/* ---- all ---- */

void bare_pool_learn(bare_t *world, const message_t *message) {
    for (uint32_t i = 0; i < MESSAGE_CERTIFICATES_MAX; i++)
        if (message->certificates[i] != NULL)
            learn_certificate(&world->adversary, message->certificates[i]);
    learn_vote(world, message);
}

void bare_pool_keep(bare_t *world, shared_t *shared) {
    adversary_t *adversary = &world->adversary;
    uint32_t place = adversary->message_next++ % KNOWN_MESSAGES;
    if (adversary->messages[place] != NULL)
        bare_shared_drop(adversary->messages[place]);
    adversary->messages[place] = bare_shared_take(shared);
}

shared_t *bare_pool_message(bare_t *world) {
    adversary_t *adversary = &world->adversary;
    uint32_t count =
        adversary->message_next < KNOWN_MESSAGES ? adversary->message_next : KNOWN_MESSAGES;
    return count == 0 ? NULL : adversary->messages[prng_below(&world->chance.lie, count)];
}

void bare_pool_close(bare_t *world) {
    for (uint32_t i = 0; i < KNOWN_CERTIFICATES; i++)
        free(world->adversary.certificates[i]);
    for (uint32_t i = 0; i < KNOWN_MESSAGES; i++)
        if (world->adversary.messages[i] != NULL)
            bare_shared_drop(world->adversary.messages[i]);
}
