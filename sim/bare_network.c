/* The simulated network and the gate at its end.
 *
 * Before GST messages are lost, doubled, held up for long, and cut off by partitions; after it each
 * arrives within delay_max. Order is never kept. Every receiver judges structure, asks its core to
 * admit the message, and only then looks at signatures, like the replica's gate. */
#include <stdlib.h>

#include "sim/bare_state.h"

void bare_sign_statement(const bare_t *world, member_t member, const statement_t *statement,
                         signature_t *signature) {
    uint8_t bytes[STATEMENT_BYTES];
    statement_encode(statement, &world->committee.domain, bytes);
    signer_t signer = signer_symbolic(&world->identities[member]);
    signer.sign(signer.context, bytes_of(bytes, sizeof bytes), signature);
}

/* ---- the way ---- */

static uint64_t delay_ns(bare_t *world) {
    const bare_options_t *options = &world->options;
    prng_t *chance = &world->chance.network;
    uint64_t delay = prng_between(chance, options->delay_min_ns, options->delay_max_ns);
    bool wild = prng_chance(chance, options->wild_per_million) && world->now_ns < options->gst_ns;
    if (wild) {
        delay = prng_between(chance, delay, delay + options->delay_wild_ns);
        /* Partial synchrony: what was sent before GST is there soon after it. */
        uint64_t last = options->gst_ns + options->delay_max_ns;
        if (world->now_ns + delay > last)
            delay = last - world->now_ns;
        bare_fault(world, FAULT_WILD_DELAY);
    }
    return world->delay_fixed_ns != 0 ? world->delay_fixed_ns : delay;
}

static void fly(bare_t *world, member_t from, node_t *to, shared_t *shared) {
    happening_t *event =
        bare_schedule(world, world->now_ns + delay_ns(world), HAPPEN_MESSAGE, to->index);
    event->message = bare_shared_take(shared);
    event->link = from;
}

void bare_network_post(bare_t *world, member_t from, node_t *to, shared_t *shared) {
    bool wild_time = world->now_ns < world->options.gst_ns;
    const statement_t *statement = &shared->message.statement;
    if ((world->cuts[from] >> to->member & 1) != 0) {
        bare_fault(world, FAULT_CUT);
        bare_note(world, from, "cut", to->index, statement->phase, statement->view, 0);
        return;
    }
    if (wild_time && prng_chance(&world->chance.network, world->options.loss_per_million)) {
        bare_fault(world, FAULT_LOSS);
        bare_note(world, from, "lost", to->index, statement->phase, statement->view, 0);
        return;
    }
    fly(world, from, to, shared);
    if (wild_time && prng_chance(&world->chance.network, world->options.duplicate_per_million)) {
        bare_fault(world, FAULT_DUPLICATE);
        fly(world, from, to, shared);
    }
}

static void hold(bare_t *world, member_t from, node_t *to, shared_t *shared) {
    world->held =
        bare_grow(world->held, &world->held_capacity, world->held_count, sizeof *world->held);
    world->held[world->held_count++] = (happening_t){.kind = HAPPEN_MESSAGE,
                                                     .node = to->index,
                                                     .message = bare_shared_take(shared),
                                                     .link = from};
}

static void to_node(node_t *from, node_t *to, shared_t *shared) {
    bare_t *world = from->world;
    bare_letter_t letter = {.now_ns = world->now_ns,
                            .from = from->member,
                            .to = to->member,
                            .phase = shared->message.statement.phase,
                            .view = shared->message.statement.view,
                            .message = &shared->message};
    bare_fate_t fate =
        world->filter == NULL ? FATE_DELIVER : world->filter(world->filter_context, &letter);
    if (fate == FATE_DELIVER)
        bare_network_post(world, from->member, to, shared);
    else if (fate == FATE_HOLD)
        hold(world, from->member, to, shared);
    else
        bare_note(world, from->member, "dropped", to->index, letter.phase, letter.view, 0);
}

/* Each core of a pair of twins talks with its half of the honest members, both with all liars. */
static bool twins_meet(const node_t *twin, const node_t *other) {
    const bare_t *world = twin->world;
    if (world->twin[twin->member] == NOTHING || !other->honest)
        return true;
    bool first_half = (world->adversary.half >> other->member & 1) != 0;
    return first_half == (twin->index == twin->member);
}

void bare_network_send(node_t *from, member_t to, shared_t *shared) {
    bare_t *world = from->world;
    for (uint32_t i = 0; i < world->node_count; i++) {
        node_t *node = &world->nodes[i];
        if (to != SEND_ALL && to != node->member)
            continue;
        if (from->half_sent && node->member % 2 != 0)
            continue;
        if (node == from) {
            happening_t *event = bare_schedule(world, world->now_ns, HAPPEN_MESSAGE, i);
            event->message = bare_shared_take(shared);
            event->link = from->member;
            event->life = from->life;
        } else if (node->member == from->member) {
            continue; /* twins do not know of each other */
        } else if (twins_meet(from, node) && twins_meet(node, from)) {
            to_node(from, node, shared);
        } else {
            bare_fault(world, FAULT_TWINS);
        }
    }
}

/* ---- the gate ---- */

/* What the codec checks before anybody else sees the message. */
static synod_status judge_block(const message_t *message) {
    if (message->block == NULL)
        return SYNOD_OK;
    digest_t id = block_id(message->block);
    return digest_equal(&id, &message->statement.digest) &&
                   message->block->height == message->statement.height
               ? SYNOD_OK
               : SYNOD_MISMATCH;
}

/* The same for every receiver, so one of them asks for all. */
static synod_status judge_shared(const judge_t *judge, shared_t *shared) {
    if (shared->authentic == 0)
        shared->authentic = judge_block(&shared->message) == SYNOD_OK &&
                                    judge_authenticity(judge, &shared->message) == SYNOD_OK
                                ? AUTHENTIC_YES
                                : AUTHENTIC_NO;
    return shared->authentic == AUTHENTIC_YES ? SYNOD_OK : SYNOD_BAD_SIGNATURE;
}

static synod_status gate(node_t *node, shared_t *shared, member_t link, bool *admitted) {
    const bare_t *world = node->world;
    judge_t judge = {.committee = &world->committee,
                     .phases = world->protocol->phases,
                     .phase_count = world->protocol->phase_count,
                     .anchor = &world->anchor,
                     .link = link};
    synod_status status = judge_structure(&judge, &shared->message);
    if (status != SYNOD_OK)
        return status;
    *admitted = world->protocol->admit(node->core, &node->env, &shared->message) == ADMIT_NOW;
    return *admitted ? judge_shared(&judge, shared) : SYNOD_OK;
}

void bare_network_arrive(node_t *node, shared_t *shared, member_t link) {
    bare_t *world = node->world;
    const message_t *message = &shared->message;
    const statement_t *statement = &message->statement;
    if (!node->up)
        return;
    if (!node->honest)
        bare_liar_hears(node, shared);
    bool admitted = false;
    synod_status status = gate(node, shared, link, &admitted);
    const char *name = statement->phase < world->protocol->phase_count
                           ? world->protocol->phases[statement->phase].name
                           : "phase";
    bare_note(world, node->index, name, link | (uint64_t)status << 32 | (uint64_t)admitted << 48,
              statement->view, statement->height, digest_prefix(&statement->digest));
    world->report.messages++;
    if (status != SYNOD_OK) {
        world->report.refused++;
        return;
    }
    if (!admitted) {
        world->report.admitted_not++;
        return;
    }
    if (shared->forged && node->honest)
        bare_violated(world, ORACLE_FORGERY, node->member,
                      "let in a %s of view %llu from %c that was altered after signing", name,
                      (unsigned long long)statement->view, (char)('A' + link));
    event_t event = bare_node_event(node, EVENT_MESSAGE);
    event.message.message = message;
    event.message.link = link;
    event.message.arrival_ns = event.now_ns;
    bare_node_step(node, &event);
}

/* ---- partitions ---- */

void bare_network_partition(bare_t *world, bool last) {
    prng_t *chance = &world->chance.fault;
    uint32_t members = world->options.members;
    uint32_t all = (UINT32_C(1) << members) - 1;
    uint32_t half = (uint32_t)prng_between(chance, 1, all - 1);
    member_t one = (member_t)prng_below(chance, members);
    uint64_t pattern = prng_below(chance, 7);
    bare_heal(world);
    if (last || pattern == 0)
        return;
    if (pattern == 1 || pattern == 2) { /* two sides; or one of them does not hear the other */
        bare_cut(world, half, all & ~half);
        if (pattern == 1)
            bare_cut(world, all & ~half, half);
    } else if (pattern == 3 || pattern == 4) { /* one is alone; or hears nobody */
        bare_cut(world, all & ~(UINT32_C(1) << one), UINT32_C(1) << one);
        if (pattern == 3)
            bare_cut(world, UINT32_C(1) << one, all);
    } else if (pattern == 5) { /* heard by nobody */
        bare_cut(world, UINT32_C(1) << one, all);
    } else { /* a circle of links that fail in one direction (schedule X18) */
        for (member_t m = 0; m < members; m++)
            bare_cut(world, UINT32_C(1) << m, UINT32_C(1) << (m + 1) % members);
    }
}
