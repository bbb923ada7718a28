/* Signed fields altered after signing (attacks Q3, Q4, X5, X6). Nothing here signs: each message
 * carries signatures that were made for something else, and is marked, so that the oracle sees when
 * an honest member lets it in. */
#include <stdlib.h>

#include "sim/bare_state.h"

#define EVERYBODY UINT32_MAX
#define FAR_VIEWS                                                                                  \
    80 /* views that a certificate is moved ahead: enough to look like the highest                 \
        */

static void carry(node_t *node, const certificate_t *first, const certificate_t *second) {
    uint8_t phase = bare_phase_with(node->world, BODY_CERTIFICATE);
    if (phase == PHASE_NONE || first == NULL)
        return;
    message_t message = {.author = node->member};
    message.statement = (statement_t){.epoch = node->world->committee.epoch,
                                      .view = first->statement.view,
                                      .subject = MEMBER_NONE,
                                      .phase = phase,
                                      .body = BODY_CERTIFICATE};
    message.certificates[0] = first;
    message.certificates[1] = second;
    bare_say_to(node, EVERYBODY, &message, false, true);
    bare_fault(node->world, FAULT_RELABEL);
}

/* A certificate of view v shown as one of a far view (schedule X6). */
static void relabel_certificate(node_t *node, const certificate_t *certificate) {
    certificate_t *copy = bare_certificate_copy(certificate);
    prng_t *chance = &node->world->chance.lie;
    copy->statement.view += prng_between(chance, 1, FAR_VIEWS);
    if (copy->statement.claim_count > 0 && !copy->claims_differ && prng_chance(chance, 500000))
        copy->statement.claims[0].view = copy->statement.view - 1;
    if (prng_chance(chance, 300000))
        copy->statement.digest.bytes[0] ^= 1;
    carry(node, copy, NULL);
    free(copy);
}

/* A certificate with claims per signer, one of them lowered (schedule X5). */
static void relabel_claims(node_t *node, const certificate_t *first,
                           const certificate_t *certificate) {
    if (!certificate->claims_differ || certificate->statement.claim_count == 0)
        return;
    certificate_t *copy = bare_certificate_copy(certificate);
    uint32_t index = (uint32_t)prng_below(&node->world->chance.lie, copy->signers);
    uint8_t *base = (uint8_t *)copy;
    const uint8_t *place = (const uint8_t *)certificate_claim(copy, index, 0);
    claim_t claim;
    size_t at = (size_t)(place - base);
    memcpy(&claim, base + at, sizeof claim);
    claim.view = claim.view == 0 ? 1 : claim.view - 1;
    memcpy(base + at, &claim, sizeof claim);
    carry(node, first, copy);
    free(copy);
}

/* A signature for one phase shown for another (attack Q4). */
static void relabel_phase(node_t *node, const message_t *message) {
    bare_t *world = node->world;
    message_t other = *message;
    for (uint8_t p = 0; p < world->protocol->phase_count; p++) {
        const phase_t *phase = &world->protocol->phases[p];
        if (p == message->statement.phase || phase->authentication != AUTH_SIGNATURE ||
            phase->body == BODY_PROPOSAL)
            continue;
        other.statement.phase = p;
        other.statement.body = (uint8_t)phase->body;
        other.statement.claim_count = phase->claim_count;
        other.block = NULL;
        if (!phase->certificate_required[0])
            other.certificates[0] = NULL;
        other.certificates[1] = NULL;
        bare_say_to(node, EVERYBODY, &other, false, true);
        bare_fault(world, FAULT_RELABEL);
    }
}

/* View, digest, author or claim of a signed message. */
static void relabel_message(node_t *node, const message_t *message) {
    bare_t *world = node->world;
    message_t other = *message;
    uint64_t choice = prng_below(&world->chance.lie, 4);
    if (choice == 0)
        other.statement.view++;
    else if (choice == 1 && message->block == NULL)
        other.statement.digest.bytes[3] ^= 1;
    else if (choice == 2 && message->statement.claim_count > 0)
        other.statement.claims[0].view ^= 1;
    else
        other.author = (message->author + 1) % world->options.members;
    bare_say_to(node, EVERYBODY, &other, false, true);
    bare_fault(world, FAULT_RELABEL);
}

void bare_lie_relabel(node_t *node, const message_t *message) {
    bare_t *world = node->world;
    const phase_t *phase = &world->protocol->phases[message->statement.phase];
    uint64_t choice = prng_below(&world->chance.lie, 4);
    for (uint32_t i = 0; i < MESSAGE_CERTIFICATES_MAX; i++) {
        const certificate_t *certificate = message->certificates[i];
        if (certificate == NULL || choice > 1)
            continue;
        if (choice == 0 && i == 0)
            relabel_certificate(node, certificate);
        else if (choice == 1 && !certificate_is_genesis(certificate))
            relabel_claims(node, message->certificates[0], certificate);
    }
    if (phase->authentication == AUTH_SIGNATURE && choice == 2)
        relabel_phase(node, message);
    if (phase->authentication == AUTH_SIGNATURE && choice == 3)
        relabel_message(node, message);
}
