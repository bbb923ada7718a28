/* What tests say to a replica about batches (strategy `certified`). */
#ifndef TESTS_REPLICA_LANES_H
#define TESTS_REPLICA_LANES_H

#include "codec/batch_codec.h"
#include "tests/unit/replica_chain.h"

static inline world_t *open_certified(member_t self) {
    world_t *w = world_make(SUITE_SYMBOLIC, self);
    w->config.chain.payload = PAYLOAD_CERTIFIED;
    start(w);
    connect_all(w);
    forget(w);
    return w;
}

/* A batch of one open request; `flip`: its signature is none. Its name goes to `*name`. */
static inline void send_batch(world_t *w, member_t link, member_t author, uint64_t sequence,
                              uint64_t nonce, const digest_t *parent, bool flip, digest_t *name) {
    node_t *node = calloc(1, sizeof *node);
    assert_non_null(node);
    add_request(w, node, 0, 0, nonce, 0, (bytes_t){0});
    if (flip)
        node->payload[node->payload_size - 1] ^= 1;
    batch_t batch = {.author = author,
                     .sequence = sequence,
                     .parent = *parent,
                     .requests = bytes_of(node->payload, node->payload_size)};
    batch_entry_t entry = {.size_bytes = (uint32_t)node->payload_size,
                           .requests = 1,
                           .content = batch_content(batch.requests)};
    *name = batch_name(author, sequence, parent, &entry);
    uint8_t *body = malloc(BATCH_HEADER_BYTES + node->payload_size);
    assert_non_null(body);
    writer_t writer = writer_of(body, BATCH_HEADER_BYTES + node->payload_size);
    batch_encode(&batch, &writer);
    assert_false(writer.failed);
    feed(w, member_link(link), FRAME_BATCH, writer_bytes(&writer));
    free(body);
    free(node);
}

/* One batch of an author, certified by `count` of the members 0, 2 and 3. */
static inline void write_reference(const world_t *w, writer_t *writer, member_t author,
                                   uint64_t first, uint32_t count) {
    static const member_t signers[] = {0, 2, 3};
    uint8_t bitmap = 0, signatures[3 * SYNOD_SIGNATURE_BYTES];
    digest_t none = {{0}};
    batch_reference_t reference = {
        .author = author,
        .first = first,
        .count = 1,
        .entries = {{.size_bytes = 100, .requests = 1, .content = {{7}}}}};
    digest_t name = batch_name(author, first, &none, &reference.entries[0]);
    statement_t statement = batch_statement(w->committee.epoch, author, first, &name);
    for (uint32_t i = 0; i < count; i++) {
        signature_t signature = sign_statement(w, signers[i], &statement);
        memcpy(signatures + (size_t)i * SYNOD_SIGNATURE_BYTES, signature.bytes,
               SYNOD_SIGNATURE_BYTES);
        bitmap |= (uint8_t)(1u << signers[i]);
    }
    reference.signers = bytes_of(&bitmap, 1);
    reference.signatures = bytes_of(signatures, (size_t)count * SYNOD_SIGNATURE_BYTES);
    batch_reference_encode(&reference, writer);
}

/* A block of view 1 on `before` whose payload, so many references, stands in the node already. */
static inline void grow_references(const world_t *w, const node_t *before, node_t *node,
                                   size_t size, uint32_t references) {
    block_t *block = block_of(node);
    grow(w, before, node, 1, 0);
    node->payload_size = size;
    block->payload = batch_payload_digest(payload_of(node));
    block->payload_size_bytes = (uint32_t)size;
    block->payload_count = references;
    node->id = block_id(block);
}

#endif
