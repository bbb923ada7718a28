/* Liars: when they lie. A liar runs the protocol's own core; its messages are changed, doubled or
 * kept back on their way out, and now and then it says something of its own accord. All liars share
 * what they know. What is said instead is in bare_lies.c and bare_forgery.c. */
#include "sim/bare_state.h"

static bool lies_now(bare_t *world) {
    return prng_chance(&world->chance.lie, world->options.lies_per_million);
}

uint8_t bare_phase_with(const bare_t *world, body_t body) {
    for (uint8_t p = 0; p < world->protocol->phase_count; p++)
        if (world->protocol->phases[p].body == body)
            return p;
    return PHASE_NONE;
}

void bare_say_to(node_t *node, uint32_t members, const message_t *message, bool sign, bool forged) {
    bare_t *world = node->world;
    shared_t *shared = bare_shared_of(message);
    shared->forged = forged;
    if (sign)
        bare_sign_statement(world, node->member, &message->statement, &shared->message.signature);
    if (message->block != NULL)
        bare_block_register(world, message->block);
    if (!forged)
        bare_pool_learn(world, &shared->message);
    for (uint32_t i = 0; i < world->node_count; i++) {
        node_t *to = &world->nodes[i];
        if ((members >> to->member & 1) != 0 && to->member != node->member)
            bare_network_post(world, node->member, to, shared);
    }
    bare_shared_drop(shared);
}

/* ---- on the way out ---- */

static void withhold(node_t *node, member_t to, shared_t *shared) {
    bare_t *world = node->world;
    for (member_t m = 0; m < world->options.members; m++) {
        if (to != SEND_ALL && to != m)
            continue;
        if (m == node->member || prng_chance(&world->chance.lie, 500000))
            bare_network_send(node, m, shared);
        else
            bare_fault(world, FAULT_WITHHOLD);
    }
}

/* What a leader says instead of its proposal. A fork takes several equivocations in a row, so those
 * go before the rest. */
static bool lies_as_leader(node_t *node, shared_t *shared) {
    const message_t *message = &shared->message;
    bare_t *world = node->world;
    bool equivocates = behaves(node, BEHAVIOUR_EQUIVOCATE) && lies_now(world);
    if (equivocates && !prng_chance(&world->chance.lie, 100000))
        return bare_lie_equivocate(node, shared);
    if (behaves(node, BEHAVIOUR_STALE) && lies_now(world) && bare_lie_stale_proposal(node, message))
        return true;
    return behaves(node, BEHAVIOUR_INVALID) && lies_now(world) && bare_lie_invalid(node, message);
}

bool bare_liar_sends(node_t *node, member_t to, shared_t *shared) {
    bare_t *world = node->world;
    const message_t *message = &shared->message;
    const phase_t *phase = &world->protocol->phases[message->statement.phase];
    if (behaves(node, BEHAVIOUR_SILENT)) {
        bare_fault(world, FAULT_SILENT);
        return true;
    }
    bare_pool_learn(world, message);
    bare_pool_keep(world, shared);
    if (behaves(node, BEHAVIOUR_RELABEL) && lies_now(world))
        bare_lie_relabel(node, message);
    if (phase->body == BODY_PROPOSAL && lies_as_leader(node, shared))
        return true;
    if (phase->body == BODY_NEW_VIEW && behaves(node, BEHAVIOUR_STALE) && lies_now(world) &&
        bare_lie_stale_claim(node, message))
        return true;
    if (behaves(node, BEHAVIOUR_SIDE_FIELD) && lies_now(world) &&
        bare_lie_side_field(node, to, message))
        return true;
    if (!behaves(node, BEHAVIOUR_WITHHOLD) || !lies_now(world))
        return false;
    withhold(node, to, shared);
    return true;
}

/* ---- on the way in ---- */

void bare_liar_hears(node_t *node, shared_t *shared) {
    bare_t *world = node->world;
    const message_t *message = &shared->message;
    if (shared->forged)
        return;
    bare_pool_learn(world, message);
    bare_pool_keep(world, shared);
    if (message->block != NULL && behaves(node, BEHAVIOUR_VOTE_ALL) && lies_now(world))
        bare_lie_vote(node, message);
    /* Odd time-outs work best when they come before the last honest one. */
    if (world->options.behaviours[message->author] == 0 && behaves(node, BEHAVIOUR_SIDE_FIELD) &&
        world->protocol->phases[message->statement.phase].body == BODY_NEW_VIEW && lies_now(world))
        bare_lie_side_field(node, SEND_ALL, message);
}

/* ---- of one's own accord ---- */

/* Somebody's message once more, to anybody. */
static void say_again(node_t *node, shared_t *shared) {
    bare_t *world = node->world;
    node_t *to = &world->nodes[prng_below(&world->chance.lie, world->node_count)];
    if (to->member != node->member)
        bare_network_post(world, node->member, to, shared);
}

static void act(node_t *node) {
    bare_t *world = node->world;
    shared_t *shared = bare_pool_message(world);
    if (shared == NULL || behaves(node, BEHAVIOUR_SILENT | BEHAVIOUR_SCRIPTED))
        return;
    const message_t *message = &shared->message;
    body_t body = world->protocol->phases[message->statement.phase].body;
    if (behaves(node, BEHAVIOUR_RELABEL))
        bare_lie_relabel(node, message);
    if (behaves(node, BEHAVIOUR_STALE) && body == BODY_NEW_VIEW)
        bare_lie_stale_claim(node, message);
    if (behaves(node, BEHAVIOUR_STALE))
        say_again(node, shared);
    if (behaves(node, BEHAVIOUR_VOTE_ALL) && message->block != NULL)
        bare_lie_vote(node, message);
    if (behaves(node, BEHAVIOUR_VOTE_ALL))
        bare_lie_show_half(node, message->statement.view);
    if (behaves(node, BEHAVIOUR_SIDE_FIELD))
        bare_lie_far_ahead(node, message);
}

void bare_liar_acts(bare_t *world) {
    adversary_t *adversary = &world->adversary;
    prng_t *chance = &world->chance.lie;
    if (adversary->quiet)
        return;
    for (uint32_t i = 0; i < world->node_count; i++)
        if (!world->nodes[i].honest && lies_now(world))
            act(&world->nodes[i]);
    if (prng_chance(chance, 50000))
        adversary->half = (uint32_t)prng_next(chance);
    uint64_t pause = prng_between(chance, 1, bare_base_timeout_ns(world) / 4);
    bare_schedule(world, world->now_ns + pause, HAPPEN_LIE, NOTHING);
}

void bare_adversary_open(bare_t *world) {
    world->adversary.half = (uint32_t)prng_next(&world->chance.lie);
    for (member_t m = 0; m < world->options.members; m++) {
        if ((world->options.behaviours[m] & ~BEHAVIOUR_SCRIPTED) != 0) {
            bare_schedule(world, bare_base_timeout_ns(world) / 8, HAPPEN_LIE, NOTHING);
            return;
        }
    }
}

void bare_adversary_close(bare_t *world) {
    bare_pool_close(world);
}
