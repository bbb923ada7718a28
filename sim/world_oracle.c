/* The oracles: each judges honest members and their clients, whatever liars do, and names what was
 * violated. They read what nodes hand to network, disk and clients, never a node's own opinion. */
#include <stdio.h>
#include <stdlib.h>

#include "app/kv_client.h"
#include "sim/world_state.h"

/* ---- memory ---- */

void oracle_make(world_t *w) {
    size_t decode = message_arena_bytes(w->options.members);
    w->decode_memory = malloc(decode);
    w->decode = arena_of(w->decode_memory, decode);
    w->walk = malloc(WALK_REQUESTS_MAX * sizeof(request_t));
    w->told_width = (uint64_t)w->options.clients * w->options.requests + 2;
    w->told = calloc(w->options.clients + 1, w->told_width);
    invariant(w->decode_memory != NULL && w->walk != NULL && w->told != NULL);
}

void oracle_free(world_t *w) {
    free(w->decode_memory);
    free(w->walk);
    free(w->told);
    free(w->heights);
    free(w->said);
    free(w->issued);
}

/* ---- set of issued requests: open addressing over digest prefixes ---- */

static bool issued_find(const world_t *w, uint64_t key, uint32_t *slot) {
    uint32_t mask = w->issued_capacity - 1;
    for (*slot = (uint32_t)key & mask; w->issued[*slot] != 0; *slot = (*slot + 1) & mask)
        if (w->issued[*slot] == key)
            return true;
    return false;
}

void oracle_issued(world_t *w, const digest_t *digest) {
    if (2 * (w->issued_count + 1) > w->issued_capacity) {
        uint64_t *old = w->issued;
        uint32_t slot, old_capacity = w->issued_capacity;
        w->issued_capacity = old_capacity == 0 ? 256 : 2 * old_capacity;
        w->issued = calloc(w->issued_capacity, sizeof(uint64_t));
        invariant(w->issued != NULL);
        for (uint32_t i = 0; i < old_capacity; i++)
            if (old[i] != 0 && !issued_find(w, old[i], &slot))
                w->issued[slot] = old[i];
        free(old);
    }
    uint32_t slot;
    uint64_t key = digest_prefix(digest) | 1;
    if (issued_find(w, key, &slot))
        return;
    w->issued[slot] = key;
    w->issued_count++;
}

/* ---- executed blocks: agreement, prefix, validity ---- */

static void judge_payload_requests(node_t *node, height_t height, bytes_t payload) {
    world_t *w = node->world;
    uint32_t count = 0, slot;
    if (payload.size == 0)
        return;
    if (payload_walk(payload, w->walk, WALK_REQUESTS_MAX, &count) != SYNOD_OK) {
        violate(w, VIOLATION_VALIDITY, "member %u executed a payload at height %llu that is none",
                node->member, (unsigned long long)height);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        digest_t digest = request_digest(&w->walk[i]);
        if (w->issued_capacity == 0 || !issued_find(w, digest_prefix(&digest) | 1, &slot))
            violate(w, VIOLATION_VALIDITY,
                    "member %u executed at height %llu a request that no client signed",
                    node->member, (unsigned long long)height);
    }
}

static chain_entry_t *entry_at(world_t *w, height_t height) {
    w->heights =
        grow(w->heights, sizeof(chain_entry_t), &w->heights_capacity, (uint32_t)height + 1);
    return &w->heights[height];
}

static void judge_height(node_t *node, height_t height, const digest_t *id, const block_t *block) {
    world_t *w = node->world;
    chain_entry_t *entry = entry_at(w, height);
    if (entry->known && !digest_equal(&entry->id, id))
        violate(w, VIOLATION_AGREEMENT,
                "members %u and %u executed different blocks at height %llu: %016llx and %016llx",
                entry->by, node->member, (unsigned long long)height,
                (unsigned long long)digest_prefix(&entry->id),
                (unsigned long long)digest_prefix(id));
    const digest_t *parent = height == 1 ? &w->anchor : &w->heights[height - 1].id;
    if (height != node->observed + 1 || block->height != height || block->parent_count != 1 ||
        !digest_equal(&block->parents[0], parent))
        violate(w, VIOLATION_PREFIX,
                "member %u executed height %llu after %llu, or on another parent", node->member,
                (unsigned long long)height, (unsigned long long)node->observed);
    entry->known = true;
    entry->id = *id;
    entry->by = node->member;
}

/* The state was set by a snapshot: of a block that others executed, and never back. */
static void judge_installed(node_t *node, height_t height, const digest_t *id) {
    world_t *w = node->world;
    const chain_entry_t *entry = entry_at(w, height);
    if (!entry->known || !digest_equal(&entry->id, id) || height <= node->observed)
        violate(w, VIOLATION_AGREEMENT,
                "member %u took over a snapshot of height %llu after %llu that nobody executed so",
                node->member, (unsigned long long)height, (unsigned long long)node->observed);
    node->observed = node->installed = height;
    world_note(w, node->endpoint, "installed", height, digest_prefix(id));
    world_say(w, "member %u goes on from a snapshot of height %llu", node->member,
              (unsigned long long)height);
}

void oracle_executed(void *context, height_t height, const digest_t *id, const block_t *block,
                     bytes_t payload) {
    node_t *node = context;
    world_t *w = node->world;
    if (!node_is_true(node))
        return;
    if (block == NULL) {
        judge_installed(node, height, id);
        return;
    }
    bool first = height > w->heights_known;
    judge_height(node, height, id, block);
    node->observed = height;
    world_note(w, node->endpoint, "executed", height, digest_prefix(id));
    if (!first)
        return;
    w->heights_known = height;
    world_say(w, "member %u is the first to execute height %llu: %u requests of member %u",
              node->member, (unsigned long long)height, block->payload_count, block->proposer);
    judge_payload_requests(node, height, payload);
}

/* ---- what is said: conflicts, roots ---- */

uint64_t oracle_mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static uint64_t statement_print(const world_t *w, const statement_t *statement) {
    uint8_t bytes[STATEMENT_BYTES];
    statement_encode(statement, &w->committee.domain, bytes);
    uint64_t hash = 1;
    for (size_t at = 0; at < sizeof bytes; at += 8)
        hash = oracle_mix(hash, load_u64(bytes + at));
    return hash;
}

static uint64_t slot_print(member_t member, const phase_t *phase, const statement_t *s) {
    uint64_t hash = oracle_mix(oracle_mix(s->epoch, member), s->phase);
    hash = (phase->slot & SLOT_VIEW) != 0 ? oracle_mix(hash, s->view) : hash;
    hash = (phase->slot & SLOT_HEIGHT) != 0 ? oracle_mix(hash, s->height) : hash;
    hash = (phase->slot & SLOT_SUBJECT) != 0 ? oracle_mix(hash, s->subject) : hash;
    hash = (phase->slot & SLOT_CLAIM) != 0 ? oracle_mix(hash, s->claims[0].view) : hash;
    return hash | 1;
}

static said_t *said_find(world_t *w, uint64_t key) {
    uint32_t mask = w->said_capacity - 1, slot = (uint32_t)key & mask;
    while (w->said[slot].key != 0 && w->said[slot].key != key)
        slot = (slot + 1) & mask;
    return &w->said[slot];
}

said_t *said_slot(world_t *w, uint64_t key) {
    if (2 * (w->said_count + 1) > w->said_capacity) {
        said_t *old = w->said;
        uint32_t old_capacity = w->said_capacity;
        w->said_capacity = old_capacity == 0 ? 256 : 2 * old_capacity;
        w->said = calloc(w->said_capacity, sizeof(said_t));
        invariant(w->said != NULL);
        for (uint32_t i = 0; i < old_capacity; i++)
            if (old[i].key != 0)
                *said_find(w, old[i].key) = old[i];
        free(old);
    }
    return said_find(w, key);
}

/* True when it was never said before. */
static bool judge_conflict(node_t *node, const phase_t *phase, const statement_t *statement) {
    world_t *w = node->world;
    said_t *said = said_slot(w, slot_print(node->member, phase, statement));
    uint64_t content = statement_print(w, statement);
    if (said->key == 0) {
        said->key = slot_print(node->member, phase, statement);
        said->content = content;
        w->said_count++;
        return true;
    }
    if (said->content != content)
        violate(w, VIOLATION_CONFLICT, "honest member %u said two things as %s of view %llu",
                node->member, phase->name, (unsigned long long)statement->view);
    return false;
}

static void judge_message(node_t *node, bytes_t body) {
    world_t *w = node->world;
    message_t message;
    reader_t reader = reader_of(body);
    arena_reset(&w->decode);
    synod_status status = message_decode(&reader, w->protocol->phases, w->protocol->phase_count,
                                         w->options.members, &w->decode, &message);
    if (status != SYNOD_OK) {
        violate(w, VIOLATION_VALIDITY, "honest member %u sent a message that cannot be read: %s",
                node->member, synod_status_text(status));
        return;
    }
    const phase_t *phase = &w->protocol->phases[message.statement.phase];
    if (phase->slot == SLOT_NONE || phase->authentication != AUTH_SIGNATURE ||
        message.author != node->member)
        return;
    bool is_new = judge_conflict(node, phase, &message.statement);
    oracle_promised(node, phase, &message.statement, is_new);
}

static void judge_root(node_t *node, bytes_t body) {
    world_t *w = node->world;
    checkpoint_t checkpoint;
    reader_t reader = reader_of(body);
    if (checkpoint_decode(&reader, &checkpoint) != SYNOD_OK || checkpoint.height > UINT32_MAX / 2)
        return;
    chain_entry_t *entry = entry_at(w, checkpoint.height);
    if (entry->has_root && !digest_equal(&entry->root, &checkpoint.root))
        violate(w, VIOLATION_ROOT, "member %u has another state root than others at height %llu",
                node->member, (unsigned long long)checkpoint.height);
    entry->has_root = true;
    entry->root = checkpoint.root;
}

void oracle_sent(node_t *node, const frame_buffer_t *frame) {
    bytes_t body = bytes_of(frame->data + FRAME_HEADER_BYTES, frame->size - FRAME_HEADER_BYTES);
    unsigned kind = load_u16(frame->data + 6);
    if (node->disk.failed)
        violate(node->world, VIOLATION_DURABILITY, "member %u speaks after its disk has failed",
                node->member);
    if (kind == FRAME_MESSAGE)
        judge_message(node, body);
    else if (kind == FRAME_CHECKPOINT)
        judge_root(node, body);
    else if (kind >= FRAME_BATCH)
        oracle_batch_sent(node, kind, body);
}

/* ---- clients ---- */

void oracle_submitted(sim_client_t *client, sim_request_t *request) {
    if (request->kind == KIND_SHARED)
        request->number = client->world->shared_high;
}

/* Each number of a counter is told once, and a later question gets a higher one. */
static void judge_counter(sim_client_t *client, const sim_request_t *request) {
    world_t *w = client->world;
    int64_t number = 0;
    if (request->status != SYNOD_OK ||
        !kv_read_increment(bytes_of(request->result, request->result_size), &number) ||
        number <= 0 || (uint64_t)number >= w->told_width) {
        violate(w, VIOLATION_HISTORY, "client %u: an increment was answered status %d number %lld",
                client->index, (int)request->status, (long long)number);
        return;
    }
    uint64_t row = request->kind == KIND_SHARED ? 0 : 1 + client->index;
    uint8_t *told = &w->told[row * w->told_width + (uint64_t)number];
    if (*told != 0)
        violate(w, VIOLATION_HISTORY, "client %u: number %lld of a counter was told twice",
                client->index, (long long)number);
    *told = 1;
    if (request->kind != KIND_SHARED)
        return;
    if ((uint64_t)number <= request->number)
        violate(w, VIOLATION_HISTORY,
                "client %u: the shared counter went back: %lld after %llu had been told",
                client->index, (long long)number, (unsigned long long)request->number);
    if ((uint64_t)number > w->shared_high)
        w->shared_high = (uint64_t)number;
}

/* What ran; what did not run, or nobody knows, is judged at the end. */
void oracle_answered(sim_client_t *client, const sim_request_t *request) {
    world_t *w = client->world;
    if (request->status != SYNOD_OK && request->status != SYNOD_APP_ERROR)
        return;
    if (request->kind == KIND_OWN || request->kind == KIND_SHARED)
        judge_counter(client, request);
    else if (request->kind == KIND_SET && request->status != SYNOD_OK)
        violate(w, VIOLATION_HISTORY, "client %u: a write was answered with status %d",
                client->index, (int)request->status);
}
