/* The world: the committee, the event heap, and the way from event to event. */
#include <stdlib.h>

#include "protocol/registry.h"
#include "sim/bare_state.h"

void *bare_grow(void *items, uint32_t *capacity, uint32_t count, size_t item_bytes) {
    if (count < *capacity)
        return items;
    uint32_t wanted = *capacity == 0 ? 64 : 2 * *capacity;
    uint8_t *grown = realloc(items, wanted * item_bytes);
    require(grown != NULL);
    memset(grown + *capacity * item_bytes, 0, (wanted - *capacity) * item_bytes);
    *capacity = wanted;
    return grown;
}

uint64_t bare_base_timeout_ns(const bare_t *world) {
    return world->options.parameters.view_timeout_ns;
}

void bare_note(bare_t *world, uint32_t who, const char *what, uint64_t a, uint64_t b, uint64_t c,
               uint64_t d) {
    trace_note(&world->trace, world->now_ns, who, what, a, b, c, d);
}

void bare_fault(bare_t *world, bare_fault_t kind) {
    world->report.faults[kind]++;
}

/* ---- the heap ---- */

static uint32_t slot_take(bare_t *world) {
    if (world->slot_free == NOTHING) {
        uint32_t old = world->slot_capacity;
        world->slots = bare_grow(world->slots, &world->slot_capacity, old, sizeof *world->slots);
        for (uint32_t i = world->slot_capacity; i-- > old;) {
            world->slots[i].number = world->slot_free;
            world->slot_free = i;
        }
        uint32_t capacity = world->heap.capacity;
        world->heap.items = bare_grow(world->heap.items, &capacity, old, sizeof *world->heap.items);
        world->heap.capacity = capacity;
    }
    uint32_t slot = world->slot_free;
    world->slot_free = world->slots[slot].number;
    return slot;
}

static happening_t *push(bare_t *world, uint64_t at_ns, uint64_t rank, happening_kind_t kind,
                         uint32_t node) {
    uint32_t slot = slot_take(world);
    world->slots[slot] = (happening_t){.kind = kind, .node = node, .link = MEMBER_NONE};
    uint64_t at = at_ns < world->now_ns ? world->now_ns : at_ns;
    invariant(world->sequence < UINT64_C(1) << 48);
    bool pushed = heap_push(&world->heap, (heap_item_t){at, rank << 48 | world->sequence++, slot});
    ensure(pushed);
    return &world->slots[slot];
}

happening_t *bare_schedule(bare_t *world, uint64_t at_ns, happening_kind_t kind, uint32_t node) {
    return push(world, at_ns, 0, kind, node);
}

happening_t *bare_schedule_deadline(bare_t *world, uint64_t at_ns, uint32_t node, uint32_t id) {
    return push(world, at_ns, 1 + id, HAPPEN_DEADLINE, node);
}

/* ---- events ---- */

static void power_cut(bare_t *world) {
    bare_fault(world, FAULT_POWER_CUT);
    for (uint32_t i = 0; i < world->node_count; i++) {
        if (world->nodes[i].up && world->nodes[i].honest) {
            bare_node_stop(&world->nodes[i]);
            uint64_t down = prng_between(&world->chance.fault, 1, world->options.down_max_ns);
            bare_schedule(world, world->now_ns + down, HAPPEN_RESTART, i);
        }
    }
}

static void crash_for_a_while(bare_t *world, node_t *node) {
    if (!node->up)
        return;
    bare_fault(world, FAULT_CRASH);
    bare_node_stop(node);
    uint64_t down = prng_between(&world->chance.fault, 1, world->options.down_max_ns);
    bare_schedule(world, world->now_ns + down, HAPPEN_RESTART, node->index);
}

/* A request at one member, or at all of them. */
static void request_happens(bare_t *world, const happening_t *event) {
    for (uint32_t i = 0; i < world->node_count; i++)
        if (event->node == NOTHING || world->nodes[i].member == event->node)
            bare_request_arrives(&world->nodes[i], event->number);
}

static void happen_at_node(node_t *node, const happening_t *event) {
    switch (event->kind) {
    case HAPPEN_SYNC:
        bare_disk_synced(node, event->extra);
        break;
    case HAPPEN_DEADLINE:
        bare_node_deadline(node, event->number, event->extra);
        break;
    case HAPPEN_VERDICT:
        bare_ledger_verdict(node, event->number, event->extra != 0);
        break;
    case HAPPEN_PAYLOAD:
        bare_ledger_payload(node, event->number);
        break;
    case HAPPEN_BLOCK:
        bare_ledger_block(node, event->number);
        break;
    case HAPPEN_EXECUTED: {
        event_t executed = bare_node_event(node, EVENT_EXECUTED);
        executed.executed.position = event->extra;
        if (event->extra > node->executed)
            node->executed = event->extra;
        bare_node_step(node, &executed);
        break;
    }
    case HAPPEN_PENDING:
        bare_pending_tell(node);
        break;
    default:
        invariant(false);
    }
}

static void happen(bare_t *world, const happening_t *event) {
    node_t *node = event->node < world->node_count ? &world->nodes[event->node] : NULL;
    switch (event->kind) {
    case HAPPEN_MESSAGE:
        bare_network_arrive(node, event->message, event->link);
        bare_shared_drop(event->message);
        break;
    case HAPPEN_REQUEST:
        request_happens(world, event);
        break;
    case HAPPEN_CRASH:
        crash_for_a_while(world, node);
        break;
    case HAPPEN_RESTART:
        bare_node_start(node);
        break;
    case HAPPEN_POWER_CUT:
        power_cut(world);
        break;
    case HAPPEN_ASK:
        if (event->life == node->life && node->up)
            bare_node_answered(node);
        break;
    case HAPPEN_PARTITION:
        bare_network_partition(world, event->extra != 0);
        break;
    case HAPPEN_LIE:
        bare_liar_acts(world);
        break;
    default:
        if (node->up && node->life == event->life)
            happen_at_node(node, event);
        break;
    }
}

bool bare_step(bare_t *world) {
    if (world->heap.count == 0)
        return false;
    heap_item_t item = heap_pop(&world->heap);
    world->now_ns = item.key;
    uint32_t slot = (uint32_t)item.value;
    happening_t event = world->slots[slot];
    world->slots[slot] = (happening_t){.number = world->slot_free};
    world->slot_free = slot;
    world->report.events++;
    happen(world, &event);
    return true;
}

/* ---- opening and closing ---- */

static bool committee_open(bare_t *world) {
    const bare_options_t *options = &world->options;
    for (size_t i = 0; i < sizeof world->secret.secret; i++)
        world->secret.secret[i] = (uint8_t)(options->seed >> (8 * (i % 8)));
    world->verifier = verifier_symbolic(&world->secret);
    for (member_t m = 0; m < options->members; m++) {
        world->identities[m] =
            (symbolic_identity_t){.world = &world->secret, .key = symbolic_key(1 + m)};
        world->members[m] = (member_info_t){.key = world->identities[m].key, .weight = 1};
    }
    digest_t domain;
    memset(domain.bytes, 0xd0, sizeof domain.bytes);
    memset(world->anchor.bytes, 0xa0, sizeof world->anchor.bytes);
    member_t culprit;
    return committee_make(&world->committee, &domain, 1, world->members, options->members,
                          &world->verifier, &culprit) == SYNOD_OK;
}

static void nodes_open(bare_t *world) {
    for (member_t m = 0; m < world->options.members; m++) {
        world->twin[m] = NOTHING;
        bare_node_open(world, world->node_count++, m);
    }
    for (member_t m = 0; m < world->options.members; m++) {
        if ((world->options.behaviours[m] & BEHAVIOUR_TWINS) != 0) {
            world->twin[m] = world->node_count;
            bare_node_open(world, world->node_count++, m);
        }
    }
    for (uint32_t i = 0; i < world->node_count; i++)
        bare_node_start(&world->nodes[i]);
}

bare_t *bare_open(const bare_options_t *options) {
    const char *name = options->protocol == NULL ? PROTOCOL_DEFAULT : options->protocol;
    const protocol_t *protocol = protocol_find(name);
    if (protocol == NULL || options->members == 0 || options->members > BARE_MEMBERS_MAX ||
        options->parameters.view_timeout_ns == 0 || options->batch_max == 0)
        return NULL;
    bare_t *world = calloc(1, sizeof *world);
    require(world != NULL);
    world->options = *options;
    world->protocol = protocol;
    world->slot_free = NOTHING;
    prng_t source = prng_of(options->seed);
    world->chance.network = prng_fork(&source);
    world->chance.disk = prng_fork(&source);
    world->chance.node = prng_fork(&source);
    world->chance.client = prng_fork(&source);
    world->chance.fault = prng_fork(&source);
    world->chance.lie = prng_fork(&source);
    if (options->line != NULL)
        bare_play_open(world);
    if (!committee_open(world)) {
        free(world);
        return NULL;
    }
    bare_ledger_open(world);
    bare_adversary_open(world);
    nodes_open(world);
    return world;
}

void bare_close(bare_t *world) {
    while (world->heap.count > 0) {
        happening_t *event = &world->slots[heap_pop(&world->heap).value];
        if (event->message != NULL)
            bare_shared_drop(event->message);
    }
    for (uint32_t i = 0; i < world->held_count; i++)
        bare_shared_drop(world->held[i].message);
    for (uint32_t i = 0; i < world->kept_count; i++)
        bare_shared_drop(world->kept[i]);
    for (uint32_t i = 0; i < world->node_count; i++)
        bare_node_close(&world->nodes[i]);
    for (member_t m = 0; m < BARE_MEMBERS_MAX; m++)
        free(world->said[m].statements);
    bare_adversary_close(world);
    bare_ledger_close(world);
    free(world->held);
    free(world->kept);
    free(world->slots);
    free(world->heap.items);
    free(world);
}
