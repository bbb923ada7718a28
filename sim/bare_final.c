/* What became final at a node: the requests in it are done, and execution follows some time later.
 */
#include <stdlib.h>

#include "sim/bare_state.h"

static void mark_done(node_t *node, uint32_t block, height_t above) {
    bare_t *world = node->world;
    for (; block != 0 && world->blocks[block].block.height > above;
         block = world->blocks[block].parent) {
        const facts_t *at = &world->blocks[block].block;
        payload_t payload;
        bare_payload_find(world, &at->payload, at->payload_count, &payload);
        for (uint32_t i = 0; i < payload.count; i++) {
            uint32_t request = world->payload_requests[payload.first + i];
            if (request < world->request_count)
                node->requests[request] = REQUEST_DONE;
        }
    }
}

/* In order of height, each a little later than the one before. */
static void schedule_execution(node_t *node, height_t above) {
    bare_t *world = node->world;
    uint64_t at_ns = world->now_ns;
    for (height_t h = above + 1; h <= node->delivered; h++) {
        at_ns += prng_below(&world->chance.node, world->options.execute_max_ns + 1);
        happening_t *event = bare_schedule(world, at_ns, HAPPEN_EXECUTED, node->index);
        event->life = node->life;
        event->extra = h;
    }
}

/* Kept for the node, and for whoever falls back to this height. */
static void take_proof(node_t *node, height_t position, const certificate_t *proof) {
    bare_t *world = node->world;
    while (world->proof_capacity <= position)
        world->proofs = bare_grow(world->proofs, &world->proof_capacity, world->proof_capacity,
                                  sizeof(certificate_t *));
    if (proof == NULL)
        return;
    certificate_t *copy = bare_certificate_copy(proof);
    free(node->proof);
    node->proof = copy;
    if (world->proofs[position] == NULL)
        world->proofs[position] = bare_certificate_copy(copy);
}

void bare_ledger_deliver(node_t *node, height_t position, const digest_t *id,
                         const certificate_t *proof) {
    bare_t *world = node->world;
    uint32_t block = bare_block_find(world, id);
    bare_note(world, node->index, "delivers", position, digest_prefix(id), 0, 0);
    if (node->honest)
        bare_oracle_delivery(node, position, block, proof);
    if (block == NOTHING || world->blocks[block].block.height != position ||
        position <= node->delivered)
        return;
    height_t above = node->delivered;
    mark_done(node, block, above);
    node->delivered = position;
    node->delivered_block = block;
    take_proof(node, position, proof);
    schedule_execution(node, above);
    bare_pending_changed(node);
}

/* Some final block between what was durable and what was reached; the core must bear any. */
void bare_ledger_falls_back(node_t *node) {
    bare_t *world = node->world;
    height_t to = prng_between(&world->chance.node, node->delivered_durable, node->delivered);
    while (to > 0 && world->proofs[to] == NULL)
        to--;
    node->delivered = node->delivered_durable = node->executed = to;
    while (world->blocks[node->delivered_block].block.height > to)
        node->delivered_block = world->blocks[node->delivered_block].parent;
    if (world->request_count > 0)
        memset(node->requests, 0, world->request_count);
    mark_done(node, node->delivered_block, 0);
    free(node->proof);
    node->proof = to == 0 ? NULL : bare_certificate_copy(world->proofs[to]);
}

bool bare_ledger_all_delivered(const bare_t *world) {
    for (uint32_t i = 0; i < world->node_count; i++) {
        const node_t *node = &world->nodes[i];
        for (uint32_t r = 0; node->honest && node->up && r < world->request_count; r++)
            if (node->requests[r] != REQUEST_DONE)
                return false;
    }
    return true;
}
