/* Liars: what a Byzantine member's frames become. Each kind of lie is one bit of the options; how
 * often a chance to lie is taken, lies_per_million says. */
#include "sim/world_state.h"

/* So often one frame in a storm. */
#define STORM_FRAMES 16

bool liar_lies(node_t *node, uint16_t kind) {
    return (node->lies & kind) != 0 &&
           chance_hits(node->world, node->world->options.lies_per_million);
}

static world_fault_t fault_of(uint16_t kind) {
    uint32_t bit = 0;
    while (kind >> bit != 1)
        bit++;
    return (world_fault_t)(FAULT_LIAR + bit);
}

bool liar_sends(node_t *node, link_t link, uint16_t kind, frame_buffer_t *forged) {
    if (forged == NULL)
        return false;
    world_struck(node->world, fault_of(kind));
    sim_net_send(node->world, link, forged);
    frame_drop(forged);
    return true;
}

static bool is_body(node_t *node, const frame_buffer_t *frame, body_t body) {
    const world_t *w = node->world;
    /* The phase is told by decoding: cheap enough for liars, who are few. */
    message_t message;
    bytes_t payload;
    return forge_open(node->world, frame, &message, &payload) &&
           w->protocol->phases[message.statement.phase].body == body;
}

/* One other block per proposal, sent to members of odd index. */
static bool equivocate(node_t *node, link_t link, frame_buffer_t *frame) {
    uint64_t print = load_u32(frame->data + 8) | (uint64_t)frame->size << 32;
    if (node->twofold_of != print) {
        if (node->twofold != NULL)
            frame_drop(node->twofold);
        node->twofold = liar_lies(node, LIAR_EQUIVOCATE) ? forge_other_block(node, frame) : NULL;
        node->twofold_of = print;
    }
    if (node->twofold == NULL || link_peer(node->world, link) % 2 == 0)
        return false;
    world_struck(node->world, fault_of(LIAR_EQUIVOCATE));
    sim_net_send(node->world, link, node->twofold);
    return true;
}

static bool lie_in_proposal(node_t *node, link_t link, frame_buffer_t *frame) {
    if ((node->lies & LIAR_STALE) != 0) {
        if (node->stale != NULL && liar_lies(node, LIAR_STALE) &&
            liar_sends(node, link, LIAR_STALE, forge_stale(node, frame, node->stale)))
            return true;
        if (node->stale == NULL || chance_hits(node->world, 100000)) {
            if (node->stale != NULL)
                frame_drop(node->stale);
            node->stale = frame_kept(frame);
        }
    }
    if ((node->lies & LIAR_EQUIVOCATE) != 0 && equivocate(node, link, frame))
        return true;
    return liar_lies(node, LIAR_PAYLOAD) &&
           liar_sends(node, link, LIAR_PAYLOAD, forge_tail(node->world, frame));
}

static bool lie_in_message(node_t *node, link_t link, frame_buffer_t *frame) {
    if (liar_lies(node, LIAR_SILENT) || liar_lies(node, LIAR_WITHHOLD)) {
        world_struck(node->world,
                     fault_of((node->lies & LIAR_SILENT) != 0 ? LIAR_SILENT : LIAR_WITHHOLD));
        return true;
    }
    uint16_t deep = LIAR_STALE | LIAR_EQUIVOCATE | LIAR_PAYLOAD;
    if ((node->lies & deep) == 0)
        return false;
    if (is_body(node, frame, BODY_PROPOSAL))
        return lie_in_proposal(node, link, frame);
    return node->stale != NULL && liar_lies(node, LIAR_STALE) &&
           is_body(node, frame, BODY_NEW_VIEW) &&
           liar_sends(node, link, LIAR_STALE, forge_stale(node, frame, node->stale));
}

/* What a liar tells instead of an answer, or NULL: nothing. */
static frame_buffer_t *instead_of(node_t *node, frame_buffer_t *answer, bool *storm) {
    uint64_t kind = prng_below(&node->world->chance, 8);
    *storm = kind == 1 || kind == 2;
    if (kind == 0)
        return NULL;
    if (kind == 1)
        return frame_kept(answer);
    if (kind == 3 && node->answered != NULL)
        return frame_kept(node->answered); /* of another request, perhaps of another client */
    return forge_reply(node, answer);
}

static bool lie_in_reply(node_t *node, link_t link, frame_buffer_t *answer) {
    world_t *w = node->world;
    bool storm = false;
    if (!liar_lies(node, LIAR_REPLIES))
        return false;
    frame_buffer_t *told = instead_of(node, answer, &storm);
    world_struck(w, fault_of(LIAR_REPLIES));
    for (uint32_t i = 0; told != NULL && i < (storm ? STORM_FRAMES : 1); i++)
        sim_net_send(w, link, told);
    if (told != NULL)
        frame_drop(told);
    if (node->answered == NULL)
        node->answered = frame_kept(answer);
    return true;
}

static bool lie(node_t *node, link_t link, frame_buffer_t *frame) {
    world_t *w = node->world;
    unsigned kind = frame_kind_of(frame);
    if (kind == FRAME_MESSAGE && lie_in_message(node, link, frame))
        return true;
    if (kind >= FRAME_BATCH && lie_about_batches(node, link, frame))
        return true;
    if (kind == FRAME_BLOCK) {
        if (liar_lies(node, LIAR_SYNC) && liar_sends(node, link, LIAR_SYNC, forge_sync(w, frame)))
            return true;
        if (liar_lies(node, LIAR_PAYLOAD) &&
            liar_sends(node, link, LIAR_PAYLOAD, forge_tail(w, frame)))
            return true;
    }
    if (kind == FRAME_SNAPSHOT && liar_lies(node, LIAR_SNAPSHOTS)) {
        if (prng_below(&w->chance, 4) == 0) { /* says nothing */
            world_struck(w, fault_of(LIAR_SNAPSHOTS));
            return true;
        }
        return liar_sends(node, link, LIAR_SNAPSHOTS, forge_snapshot(w, frame));
    }
    if (kind == FRAME_CHECKPOINT && liar_lies(node, LIAR_ROOTS) &&
        liar_sends(node, link, LIAR_ROOTS, forge_root(node, frame)))
        return true;
    if (kind == FRAME_REPLY && lie_in_reply(node, link, frame))
        return true;
    return kind != FRAME_HELLO && liar_lies(node, LIAR_GARBAGE) &&
           liar_sends(node, link, LIAR_GARBAGE, forge_noise(w, frame));
}

void liar_send(node_t *node, link_t link, frame_buffer_t *frame) {
    if (node->endpoint >= node->world->options.members)
        world_struck(node->world, fault_of(LIAR_TWINS));
    if (!lie(node, link, frame))
        sim_net_send(node->world, link, frame);
}

/* A vote for every proposal that is seen, to every member. */
static void vote_for_all(node_t *node, const frame_buffer_t *frame, uint8_t phase) {
    world_t *w = node->world;
    frame_buffer_t *vote = forge_vote(node, frame, phase);
    if (vote == NULL)
        return;
    world_struck(w, fault_of(LIAR_VOTE_ALL));
    for (uint32_t other = 0; other < w->endpoints; other++) {
        uint32_t low = other < node->endpoint ? other : node->endpoint;
        uint32_t high = other < node->endpoint ? node->endpoint : other;
        uint32_t current = w->current[(size_t)low * w->endpoints + high];
        if (other == node->endpoint || endpoint_is_client(w, other) || current == 0)
            continue;
        const connection_t *c = &w->connections[current - 1];
        uint32_t end = c->end[0].owner == node->endpoint ? 0 : 1;
        link_t link = 2 * (link_t)(current - 1) + end + 1;
        if (c->end[end].up && c->end[end].life == node->life)
            sim_net_send(w, link, vote);
    }
    frame_drop(vote);
}

/* An answer before the request ran, and mostly the request is not passed on either. True: it is
 * swallowed. */
static bool answer_early(node_t *node, link_t link, const frame_buffer_t *frame) {
    if (!endpoint_is_client(node->world, link_peer(node->world, link)) ||
        !liar_lies(node, LIAR_REPLIES))
        return false;
    (void)liar_sends(node, link, LIAR_REPLIES, forge_early_reply(node, frame));
    return prng_below(&node->world->chance, 4) != 0;
}

bool liar_heard(node_t *node, link_t link, const frame_buffer_t *frame) {
    unsigned kind = frame_kind_of(frame);
    if ((node->lies & LIAR_VOTE_ALL) != 0 && kind == FRAME_MESSAGE)
        for (uint8_t phase = 0; phase < node->world->protocol->phase_count; phase++)
            vote_for_all(node, frame, phase);
    if (kind == FRAME_BATCH)
        return acknowledge_all(node, link, frame);
    return kind == FRAME_REQUEST && answer_early(node, link, frame);
}

void liar_free(node_t *node) {
    if (node->stale != NULL)
        frame_drop(node->stale);
    if (node->twofold != NULL)
        frame_drop(node->twofold);
    if (node->old_about != NULL)
        frame_drop(node->old_about);
    if (node->answered != NULL)
        frame_drop(node->answered);
}
