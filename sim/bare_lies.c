/* What liars say: all of it rightly signed by the liar itself, and none of it what the protocol
 * wants. Built from the phase table, so that it fits every protocol with proposals on certificates,
 * votes and new-views. */
#include <stdlib.h>

#include "sim/bare_state.h"

#define EVERYBODY UINT32_MAX

/* A copy of a block with one parent, with another payload and place to stand on. */
static block_t *block_on(const block_t *block, const certificate_t *certificate, digest_t payload,
                         uint32_t count) {
    block_t *copy = calloc(1, block_bytes(1));
    require(copy != NULL && block->parent_count == 1);
    memcpy(copy, block, block_bytes(1));
    copy->parents[0] = certificate->statement.digest;
    copy->height = certificate->statement.height + 1;
    copy->justify_view = certificate->statement.view;
    copy->payload = payload;
    copy->payload_count = count;
    copy->payload_size_bytes = count * REQUEST_BYTES;
    return copy;
}

static void propose(node_t *node, uint32_t members, const message_t *like, const block_t *block,
                    const certificate_t *stands_on, const certificate_t *entitles) {
    message_t message = *like;
    message.author = node->member;
    message.block = block;
    message.statement.height = block->height;
    message.statement.digest = block_id(block);
    message.certificates[0] = stands_on;
    message.certificates[1] = entitles;
    bare_say_to(node, members, &message, true, false);
    if (behaves(node, BEHAVIOUR_VOTE_ALL))
        bare_lie_vote(node, &message);
}

/* One block for one half and another for the rest; on a rival certificate if liars have one. */
bool bare_lie_equivocate(node_t *node, shared_t *proposal) {
    bare_t *world = node->world;
    const message_t *message = &proposal->message;
    const certificate_t *stands_on = message->certificates[0];
    if (message->block->parent_count != 1 || stands_on == NULL)
        return false;
    const certificate_t *rival = bare_pool_rival(world, stands_on);
    digest_t payload = rival == NULL ? message->block->payload : (digest_t){{0}};
    uint32_t count = rival == NULL ? message->block->payload_count : 0;
    block_t *block = block_on(message->block, rival == NULL ? stands_on : rival, payload, count);
    block->time_ns += 1000;
    uint32_t half = world->adversary.half, others = ~half;
    for (member_t m = 0; m < world->options.members; m++) {
        bool liar = world->options.behaviours[m] != 0;
        if (liar || (half >> m & 1) != 0)
            bare_network_send(node, m, proposal);
        others |= (uint32_t)liar << m;
    }
    propose(node, others, message, block, rival == NULL ? stands_on : rival,
            message->certificates[1]);
    free(block);
    bare_fault(world, FAULT_EQUIVOCATE);
    return true;
}

/* A block on an older certificate, with whatever might entitle it (attacks H4, H6). */
bool bare_lie_stale_proposal(node_t *node, const message_t *message) {
    bare_t *world = node->world;
    const certificate_t *newest = message->certificates[0];
    if (message->block->parent_count != 1 || newest == NULL)
        return false;
    const certificate_t *older =
        bare_pool_older(world, newest->statement.phase, newest->statement.view);
    uint8_t ends = bare_phase_with(world, BODY_NEW_VIEW);
    const certificate_t *entitles = message->certificates[1];
    if (ends != PHASE_NONE && message->statement.view > 0) {
        const certificate_t *humble = bare_pool_of_view(world, ends, message->statement.view - 1);
        entitles = humble != NULL ? humble : bare_pool_older(world, ends, message->statement.view);
    }
    if (older == NULL)
        return false;
    block_t *block = block_on(message->block, older, (digest_t){{0}}, 0);
    propose(node, EVERYBODY, message, block, older, entitles);
    free(block);
    bare_fault(world, FAULT_STALE);
    return true;
}

/* The end of a view with a claim that hides what the liar knows. */
bool bare_lie_stale_claim(node_t *node, const message_t *like) {
    bare_t *world = node->world;
    const certificate_t *newest = like->certificates[0];
    if (newest == NULL || like->statement.claim_count == 0)
        return false;
    const certificate_t *older =
        bare_pool_older(world, newest->statement.phase, newest->statement.view);
    if (older == NULL)
        return false;
    message_t message = *like;
    message.author = node->member;
    message.certificates[0] = older;
    message.statement.claims[0] = (claim_t){older->statement.view, older->statement.digest};
    bare_say_to(node, EVERYBODY, &message, true, false);
    bare_fault(world, FAULT_STALE);
    return true;
}

/* A vote for any proposal, whatever was voted or left before, to every collector; in every phase,
 * where a view has some. */
void bare_lie_vote(node_t *node, const message_t *proposal) {
    bare_t *world = node->world;
    const certificate_t *stands_on = proposal->certificates[0];
    if (stands_on == NULL)
        return;
    for (uint8_t p = 0; p < world->protocol->phase_count; p++) {
        const phase_t *phase = &world->protocol->phases[p];
        if (phase->body != BODY_VOTE)
            continue;
        message_t message = {.author = node->member, .statement = proposal->statement};
        statement_t *statement = &message.statement;
        statement->phase = p;
        statement->body = BODY_VOTE;
        statement->claim_count = phase->claim_count;
        if (phase->claim_count > 0)
            statement->claims[0] =
                (claim_t){stands_on->statement.view, stands_on->statement.digest};
        bare_say_to(node, EVERYBODY, &message, true, false);
        bare_fault(world, FAULT_VOTE_ALL);
    }
}

/* What liars can certify of the later phases of a view, shown to one half only. */
void bare_lie_show_half(node_t *node, view_t view) {
    bare_t *world = node->world;
    uint8_t first = bare_phase_with(world, BODY_VOTE);
    for (uint8_t p = 0; p < world->protocol->phase_count; p++) {
        const phase_t *phase = &world->protocol->phases[p];
        message_t message = {.author = node->member};
        bool later = false, all = phase->body == BODY_CERTIFICATE;
        for (uint32_t i = 0; i < MESSAGE_CERTIFICATES_MAX && all; i++) {
            uint8_t of = phase->certificate_phase[i];
            if (!phase->certificate_required[i])
                continue;
            message.certificates[i] = bare_pool_of_view(world, of, view);
            all = message.certificates[i] != NULL;
            later |= of != first && world->protocol->phases[of].body == BODY_VOTE;
        }
        if (!all || !later)
            continue;
        message.statement = (statement_t){.epoch = world->committee.epoch,
                                          .view = view,
                                          .subject = MEMBER_NONE,
                                          .phase = p,
                                          .body = BODY_CERTIFICATE};
        bare_say_to(node, world->adversary.half, &message, false, false);
        bare_fault(world, FAULT_WITHHOLD);
    }
}

/* A vote or time-out with a signed field that nobody expects there (attack Q7): whoever takes it
 * for one of the usual kind makes a certificate that does not verify. */
bool bare_lie_side_field(node_t *node, member_t to, const message_t *like) {
    bare_t *world = node->world;
    body_t body = world->protocol->phases[like->statement.phase].body;
    if (body != BODY_VOTE && body != BODY_NEW_VIEW)
        return false;
    message_t message = *like;
    message.author = node->member;
    statement_t *statement = &message.statement;
    switch (prng_below(&world->chance.lie, 5)) {
    case 0:
        statement->height++;
        break;
    case 1:
        statement->digest.bytes[7] ^= 1;
        break;
    case 2:
        statement->subject = node->member;
        break;
    case 3: /* a claim that no certificate backs */
        statement->claims[0].view++;
        break;
    default:
        statement->path.length = 1;
        break;
    }
    uint32_t members = to == SEND_ALL ? EVERYBODY : UINT32_C(1) << to;
    bare_say_to(node, members, &message, true, false);
    bare_fault(world, FAULT_SIDE_FIELD);
    return true;
}

/* A payload that no client asked for. */
bool bare_lie_invalid(node_t *node, const message_t *message) {
    bare_t *world = node->world;
    const certificate_t *stands_on = message->certificates[0];
    if (message->block->parent_count != 1 || stands_on == NULL)
        return false;
    uint32_t request = UINT32_MAX;
    block_t *block = block_on(message->block, stands_on, bare_payload_make(world, &request, 1), 1);
    propose(node, EVERYBODY, message, block, stands_on, message->certificates[1]);
    free(block);
    bare_fault(world, FAULT_INVALID);
    return true;
}

/* Votes and time-outs for views that nobody has reached (attack H12). */
void bare_lie_far_ahead(node_t *node, const message_t *like) {
    bare_t *world = node->world;
    body_t body = world->protocol->phases[like->statement.phase].body;
    if (body != BODY_VOTE && body != BODY_NEW_VIEW)
        return;
    message_t message = *like;
    message.author = node->member;
    uint64_t ahead = UINT64_C(1) << prng_below(&world->chance.lie, 64);
    message.statement.view += ahead;
    bare_say_to(node, EVERYBODY, &message, true, false);
    bare_fault(world, FAULT_SIDE_FIELD);
}
