/* A node: the core, its step, its timers, its lives. */
#include <stdlib.h>

#include "sim/bare_state.h"

uint64_t bare_node_clock_ns(const node_t *node) {
    return node->world->now_ns + node->clock_offset_ns;
}

event_t bare_node_event(const node_t *node, event_kind_t kind) {
    return (event_t){
        .kind = kind, .now_ns = bare_node_clock_ns(node), .time_ns = node->world->now_ns};
}

/* ---- opening ---- */

static effects_t effects_open(const bare_t *world) {
    const protocol_t *protocol = world->protocol;
    effects_t effects = {.capacity = protocol->effects_max};
    effects.items = calloc(effects.capacity, sizeof *effects.items);
    /* Exactly what is declared; the arena may lose 15 bytes to the alignment of its start. */
    size_t scratch = protocol->scratch_bytes(world->committee.size);
    void *memory = malloc(scratch + 15);
    require(effects.items != NULL && memory != NULL);
    effects.scratch = arena_of(memory, scratch + 15);
    require(effects.scratch.base == memory); /* freed by it */
    return effects;
}

void bare_node_open(bare_t *world, uint32_t index, member_t member) {
    node_t *node = &world->nodes[index];
    const bare_options_t *options = &world->options;
    *node = (node_t){.world = world, .index = index, .member = member};
    node->honest = options->behaviours[member] == 0;
    node->env = (env_t){.committee = &world->committee,
                        .parameters = &world->options.parameters,
                        .self = member,
                        .anchor = world->anchor};
    store_u64(node->env.seed, options->seed + member);
    size_t bytes = world->protocol->state_bytes(&options->parameters, world->committee.size);
    node->core = malloc(bytes);
    node->core_copy = malloc(bytes);
    require(node->core != NULL && node->core_copy != NULL);
    /* A core relies on nothing that it did not write. */
    memset(node->core, 0xa5, bytes);
    node->effects = effects_open(world);
    node->effects_copy = effects_open(world);
    node->clock_offset_ns = prng_below(&world->chance.node, options->clock_offset_max_ns + 1);
}

static void effects_close(effects_t *effects) {
    free(effects->items);
    free(effects->scratch.base);
}

void bare_node_close(node_t *node) {
    bare_disk_close(node);
    effects_close(&node->effects);
    effects_close(&node->effects_copy);
    free(node->core);
    free(node->core_copy);
    free(node->requests);
    free(node->arrivals_ns);
    free(node->proof);
}

/* ---- effects ---- */

static void on_send(node_t *node, const effect_t *effect) {
    bare_t *world = node->world;
    shared_t *shared = bare_shared_of(&effect->send.message);
    message_t *message = &shared->message;
    const phase_t *phase = &world->protocol->phases[message->statement.phase];
    require(message->author == node->member);
    if (phase->authentication == AUTH_SIGNATURE) {
        bare_sign_statement(world, node->member, &message->statement, &message->signature);
        world->report.signatures++;
    }
    if (message->block != NULL)
        bare_block_register(world, message->block);
    bare_disk_send(node, effect->send.to, effect->send.early, shared);
}

static void set_deadline(node_t *node, uint32_t id, uint64_t at_ns) {
    bare_t *world = node->world;
    require(id < DEADLINES_MAX);
    if (node->honest)
        world->deadlines_set += (at_ns != 0 ? 1u : 0u) - (node->deadlines_ns[id] != 0 ? 1u : 0u);
    node->deadlines_ns[id] = at_ns;
    node->deadline_generation[id]++;
    if (at_ns == 0)
        return;
    uint64_t now = bare_node_clock_ns(node);
    uint64_t wait = at_ns > now ? at_ns - now : 0;
    happening_t *event = bare_schedule_deadline(world, world->now_ns + wait, node->index, id);
    event->life = node->life;
    event->number = id;
    event->extra = node->deadline_generation[id];
}

static void carry_out(node_t *node, const effect_t *effect) {
    switch (effect->kind) {
    case EFFECT_PERSIST:
        bare_disk_persist(node, &effect->persist);
        break;
    case EFFECT_FORGET:
        bare_disk_forget(node, &effect->persist);
        break;
    case EFFECT_STORE:
        bare_disk_store(node);
        break;
    case EFFECT_SEND:
        on_send(node, effect);
        break;
    case EFFECT_DEADLINE:
        set_deadline(node, effect->deadline.id, effect->deadline.at_ns);
        break;
    case EFFECT_WANT:
        bare_ledger_want(node, &effect->want.parent);
        break;
    case EFFECT_FETCH:
        bare_ledger_fetch(node, &effect->fetch.id);
        break;
    case EFFECT_VALIDATE:
        bare_ledger_validate(node, &effect->validate.id);
        break;
    case EFFECT_DELIVER:
        if (effect->deliver.level == LEVEL_FINAL)
            bare_ledger_deliver(node, effect->deliver.position, &effect->deliver.id,
                                effect->deliver.proof);
        break;
    case EFFECT_ACCUSE:
        bare_oracle_accusation(node, effect->accuse);
        break;
    case EFFECT_HALT:
        if (node->honest)
            bare_violated(node->world, ORACLE_HALT, node->member, "%s", effect->halt.reason);
        break;
    case EFFECT_RELAY:
    case EFFECT_COMPUTE:
    case EFFECT_RETRACT:
    case EFFECT_CLOSE:
        bare_violated(node->world, ORACLE_BOUNDS, node->member,
                      "asked for an effect that is not simulated (%d)", (int)effect->kind);
        break;
    }
}

void bare_node_step(node_t *node, event_t *event) {
    bare_t *world = node->world;
    world->report.steps++;
    bool rehearsed = bare_oracle_rehearse(node, event);
    effects_reset(&node->effects);
    world->protocol->step(node->core, &node->env, event, &node->effects);
    if (rehearsed)
        bare_oracle_purity(node, event);
    for (uint32_t i = 0; i < node->effects.count; i++)
        carry_out(node, &node->effects.items[i]);
    bare_disk_commit(node);
}

void bare_node_deadline(node_t *node, uint32_t id, uint64_t generation) {
    bare_t *world = node->world;
    if (node->deadline_generation[id] != generation || node->deadlines_ns[id] == 0)
        return;
    node->deadlines_ns[id] = 0;
    if (node->honest) {
        world->deadlines_set--;
        world->report.timeouts++;
    }
    bare_note(world, node->index, "timer", id, 0, 0, 0);
    event_t event = bare_node_event(node, EVENT_DEADLINE);
    event.deadline.id = id;
    bare_node_step(node, &event);
}

/* ---- lives ---- */

/* Clients ask again where their requests were lost. */
static void come_back(node_t *node) {
    bare_t *world = node->world;
    for (uint32_t r = 0; r < world->request_count; r++) {
        uint64_t pause = prng_below(&world->chance.client, world->options.retry_ns + 1);
        happening_t *again =
            bare_schedule(world, world->now_ns + pause, HAPPEN_REQUEST, node->member);
        again->number = r;
    }
    if (world->options.sync)
        bare_node_ask(node);
}

void bare_node_ask(node_t *node) {
    bare_t *world = node->world;
    uint64_t pause = prng_below(&world->chance.node, bare_base_timeout_ns(world));
    happening_t *ask = bare_schedule(world, world->now_ns + pause, HAPPEN_ASK, node->index);
    ask->life = node->life;
}

/* What the ledger holds final it holds with a proof, which the core gets after its start. */
static void anchor_proof(node_t *node) {
    if (node->proof == NULL)
        return;
    event_t event = bare_node_event(node, EVENT_JUMP);
    event.jump.height = node->delivered;
    event.jump.id = node->world->blocks[node->delivered_block].id;
    event.jump.certificate = node->proof;
    bare_node_step(node, &event);
}

void bare_node_start(node_t *node) {
    bare_t *world = node->world;
    if (node->up)
        return;
    node->up = true;
    node->life++;
    bare_note(world, node->index, "starts", node->life, node->delivered, node->record_count, 0);
    if (node->life > 1)
        bare_ledger_falls_back(node);
    /* What a durable record promises may be said, for the first time even, without a new one. */
    node->persists = node->record_count > 0 ? 1 : 0;
    event_t event = bare_node_event(node, EVENT_START);
    event.start.records = node->records;
    event.start.count = node->record_count;
    event.start.height = node->delivered;
    event.start.id = world->blocks[node->delivered_block].id;
    bare_node_step(node, &event);
    anchor_proof(node);
    if (node->life > 1)
        come_back(node);
}

void bare_node_stop(node_t *node) {
    bare_t *world = node->world;
    if (!node->up)
        return;
    bare_note(world, node->index, "crashes", node->life, node->delivered, 0, 0);
    node->up = false;
    bare_disk_crash(node);
    for (uint32_t id = 0; id < DEADLINES_MAX; id++) {
        if (node->honest && node->deadlines_ns[id] != 0)
            world->deadlines_set--;
        node->deadlines_ns[id] = 0;
    }
    node->pending_told = false;
    node->persists_at_promise = 0;
    size_t bytes = world->protocol->state_bytes(&world->options.parameters, world->committee.size);
    memset(node->core, 0xa5, bytes);
}

/* State transfer: the other's last final block with its proof becomes the anchor. */
void bare_node_jump(node_t *node, const node_t *from) {
    bare_t *world = node->world;
    if (!from->honest || from->proof == NULL || from->delivered <= node->delivered)
        return;
    bare_note(world, node->index, "jumps", from->delivered, from->member, 0, 0);
    bare_ledger_deliver(node, from->delivered, &world->blocks[from->delivered_block].id,
                        from->proof);
    anchor_proof(node);
}

/* Asks one other member after another until an honest one answers. */
void bare_node_answered(node_t *node) {
    bare_t *world = node->world;
    uint64_t choice = prng_below(&world->chance.node, world->options.members);
    const node_t *from = &world->nodes[choice];
    uint32_t cut =
        world->cuts[from->member] >> node->member | world->cuts[node->member] >> from->member;
    if (from == node || !from->honest || !from->up || (cut & 1) != 0)
        bare_node_ask(node);
    else
        bare_node_jump(node, from);
}
