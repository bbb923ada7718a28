/* What the other members and the clients say to the replica of replica_world.h: requests, blocks,
 * certificates, messages and sync frames, signed with their own keys. */
#ifndef TESTS_UNIT_REPLICA_CHAIN_H
#define TESTS_UNIT_REPLICA_CHAIN_H

#include "tests/unit/replica_world.h"

/* A block with its payload and the certificate for it: a place in a chain. */
typedef struct node {
    digest_t id;
    height_t height;
    view_t view;
    uint8_t payload[16 << 10];
    size_t payload_size;
    _Alignas(8) uint8_t block_room[sizeof(block_t) + sizeof(digest_t)];
    _Alignas(8) uint8_t qc_room[CERTIFICATE_ROOM];
} node_t;

static inline block_t *block_of(node_t *node) {
    return (block_t *)(void *)node->block_room;
}
static inline certificate_t *qc_of(node_t *node) {
    return (certificate_t *)(void *)node->qc_room;
}

static inline node_t genesis(const world_t *w) {
    node_t node = {.id = w->config.anchor};
    assert_true(certificate_bytes_max(MEMBERS) <= CERTIFICATE_ROOM);
    certificate_genesis(qc_of(&node), &w->committee, &w->config.anchor, VOTE);
    return node;
}

/* ---- requests ---- */

/* Appends a request of one operation (or, for session 0, an open with `nonce` = sequence) to a
 * payload; `signer` is a client's number. */
static inline void add_request(const world_t *w, node_t *node, uint32_t signer, uint64_t session,
                               uint64_t sequence, uint64_t acknowledged, bytes_t operation) {
    writer_t writer = writer_of(node->payload, sizeof node->payload);
    const signer_t *keys = &w->signers[MEMBERS + signer];
    uint8_t open[REQUEST_OPEN_BYTES];
    writer.at = node->payload_size;
    if (session == 0) {
        memcpy(open, keys->key.bytes, SYNOD_KEY_BYTES);
        store_u64(open + SYNOD_KEY_BYTES, sequence);
        operation = bytes_of(open, sizeof open);
        sequence = acknowledged = 0;
    }
    request_begin(&writer, session, sequence, acknowledged);
    request_add(&writer, operation);
    assert_int_equal(request_finish(&writer, node->payload_size, &w->committee.domain, keys),
                     SYNOD_OK);
    node->payload_size = writer.at;
}

static inline void add_text(const world_t *w, node_t *node, uint32_t signer, uint64_t session,
                            uint64_t sequence, uint64_t acknowledged, const char *text) {
    add_request(w, node, signer, session, sequence, acknowledged, bytes_of(text, strlen(text)));
}

/* One request on a link. */
static inline void ask(world_t *w, link_t link, uint32_t signer, uint64_t session,
                       uint64_t sequence, uint64_t acknowledged, const char *text) {
    node_t *node = calloc(1, sizeof *node);
    assert_non_null(node);
    add_text(w, node, signer, session, sequence, acknowledged, text);
    feed(w, link, FRAME_REQUEST, bytes_of(node->payload, node->payload_size));
    free(node);
}

/* ---- blocks and certificates ---- */

static inline signature_t sign_statement(const world_t *w, member_t member,
                                         const statement_t *statement) {
    uint8_t bytes[STATEMENT_BYTES];
    signature_t signature;
    statement_encode(statement, &w->committee.domain, bytes);
    w->signers[member].sign(w->signers[member].context, bytes_of(bytes, sizeof bytes), &signature);
    return signature;
}

static inline statement_t statement_of(const world_t *w, uint8_t phase, view_t view) {
    const phase_t *row = &w->config.protocol->phases[phase];
    return (statement_t){.epoch = w->committee.epoch,
                         .view = view,
                         .subject = MEMBER_NONE,
                         .phase = phase,
                         .body = (uint8_t)row->body,
                         .claim_count = row->claim_count};
}

static inline statement_t vote_for(const world_t *w, const node_t *parent, const node_t *node) {
    statement_t statement = statement_of(w, VOTE, node->view);
    statement.height = node->height;
    statement.digest = node->id;
    statement.claims[0] = (claim_t){parent->view, parent->id};
    return statement;
}

/* The three members that are not the replica under test. */
static inline void certify(const world_t *w, const node_t *parent, node_t *node) {
    statement_t statement = vote_for(w, parent, node);
    uint32_t index = 0;
    memset(node->qc_room, 0, sizeof node->qc_room);
    certificate_begin(qc_of(node), &statement, MEMBERS, MEMBERS - 1, false);
    for (member_t m = 0; m < MEMBERS; m++) {
        if (m == w->self)
            continue;
        signature_t signature = sign_statement(w, m, &statement);
        certificate_put(qc_of(node), index++, m, &signature, NULL);
    }
}

/* Payload of the node: its root, size and count. */
static inline void describe_payload(block_t *block, const node_t *node) {
    static request_t requests[256];
    static digest_t digests[256], leaves[256];
    uint32_t count = 0;
    synod_status status =
        payload_walk(bytes_of(node->payload, node->payload_size), requests, 256, &count);
    assert_int_equal(status, SYNOD_OK);
    for (uint32_t i = 0; i < count; i++)
        digests[i] = request_digest(&requests[i]);
    block->payload = payload_root(requests, digests, count, leaves);
    block->payload_size_bytes = (uint32_t)node->payload_size;
    block->payload_count = count;
}

/* Finishes a node, whose payload is there, as a block of `view` on `parent`, certified. */
static inline void grow(const world_t *w, const node_t *parent, node_t *node, view_t view,
                        member_t proposer) {
    block_t *block = block_of(node);
    *block = (block_t){.epoch = w->committee.epoch,
                       .height = parent->height + 1,
                       .birth_view = view,
                       .justify_view = parent->view,
                       .proposer = proposer,
                       .time_ns = SECOND_NS,
                       .parent_count = 1};
    block->parents[0] = parent->id;
    describe_payload(block, node);
    node->id = block_id(block);
    node->height = block->height;
    node->view = view;
    certify(w, parent, node);
}

/* ---- messages ---- */

/* Signs where the phase says so, encodes, and sends over a link. */
static inline void tell(world_t *w, link_t link, message_t *message, bytes_t payload) {
    const phase_t *row = &w->config.protocol->phases[message->statement.phase];
    if (row->authentication == AUTH_SIGNATURE)
        message->signature = sign_statement(w, message->author, &message->statement);
    writer_t writer = writer_of(w->body, sizeof w->body);
    message_encode(message, &writer);
    write_bytes(&writer, payload.data, payload.size);
    assert_false(writer.failed);
    feed(w, link, FRAME_MESSAGE, writer_bytes(&writer));
}

static inline message_t proposal_of(const world_t *w, node_t *parent, node_t *node) {
    message_t message = {.statement = statement_of(w, PROPOSAL, node->view),
                         .author = block_of(node)->proposer,
                         .block = block_of(node),
                         .certificates = {qc_of(parent)}};
    message.statement.height = node->height;
    message.statement.digest = node->id;
    return message;
}

static inline bytes_t payload_of(const node_t *node) {
    return bytes_of(node->payload, node->payload_size);
}

static inline void propose(world_t *w, node_t *parent, node_t *node) {
    message_t message = proposal_of(w, parent, node);
    tell(w, member_link(message.author), &message, payload_of(node));
}

/* Up to `height` is executed, the last of it directly final. */
static inline void reach(world_t *w, node_t *chain, uint32_t height) {
    for (uint32_t i = (uint32_t)report(w).executed + 1; i <= height + 2; i++)
        propose(w, &chain[i - 1], &chain[i]);
    assert_int_equal(report(w).executed, height);
}

static inline void tell_certificate(world_t *w, member_t from, const certificate_t *qc) {
    message_t message = {.statement = statement_of(w, CERTIFICATE, qc->statement.view),
                         .author = from,
                         .certificates = {qc}};
    tell(w, member_link(from), &message, (bytes_t){0});
}

static inline void tell_vote(world_t *w, member_t from, const statement_t *statement) {
    message_t message = {.statement = *statement, .author = from};
    tell(w, member_link(from), &message, (bytes_t){0});
}

static inline void tell_timeout(world_t *w, member_t from, view_t view, node_t *highest) {
    message_t message = {.statement = statement_of(w, TIMEOUT, view),
                         .author = from,
                         .certificates = {qc_of(highest)}};
    message.statement.claims[0] = (claim_t){highest->view, highest->id};
    tell(w, member_link(from), &message, (bytes_t){0});
}

static inline void tell_status(world_t *w, link_t link, member_t author, view_t view) {
    message_t message = {.statement = statement_of(w, STATUS, view), .author = author};
    tell(w, link, &message, (bytes_t){0});
}

/* Proposes nodes[1..count] in views 1, 2, ... of the first leader, each on the one before;
 * nodes[0] is the genesis. */
static inline void propose_chain(world_t *w, node_t *nodes, uint32_t count) {
    nodes[0] = genesis(w);
    for (uint32_t i = 1; i <= count; i++) {
        grow(w, &nodes[i - 1], &nodes[i], i, 0);
        propose(w, &nodes[i - 1], &nodes[i]);
    }
}

/* ---- sync ---- */

/* A block frame; `proof` may be NULL. */
static inline void tell_block(world_t *w, link_t link, node_t *node, const certificate_t *proof,
                              bytes_t payload) {
    uint8_t block[BLOCK_FIXED_BYTES + SYNOD_DIGEST_BYTES], encoded[CERTIFICATE_ROOM];
    writer_t inner = writer_of(block, sizeof block), proved = writer_of(encoded, sizeof encoded);
    block_encode(block_of(node), &inner);
    if (proof != NULL)
        certificate_encode(proof, &proved);
    block_answer_t answer = {.height = node->height,
                             .final_height = node->height,
                             .block = writer_bytes(&inner),
                             .proof = writer_bytes(&proved),
                             .payload = payload};
    writer_t writer = writer_of(w->body, sizeof w->body);
    block_answer_encode(&answer, &writer);
    assert_false(writer.failed);
    feed(w, link, FRAME_BLOCK, writer_bytes(&writer));
}

/* A member asks for blocks from `height` on. */
static inline void ask_blocks(world_t *w, member_t from, height_t height, uint32_t count) {
    uint8_t bytes[BLOCK_ASK_BYTES];
    writer_t writer = writer_of(bytes, sizeof bytes);
    block_ask_encode(&(block_ask_t){.from = height, .count = count}, &writer);
    feed(w, member_link(from), FRAME_BLOCK_ASK, writer_bytes(&writer));
}

/* The newest question for blocks; false: none was asked. */
static inline bool asked_for(const world_t *w, block_ask_t *question, link_t *link) {
    const sent_t *sent = last_sent(w, FRAME_BLOCK_ASK, 0);
    if (sent == NULL)
        return false;
    reader_t reader = reader_of(bytes_of(sent->body, sent->size));
    assert_int_equal(block_ask_decode(&reader, question), SYNOD_OK);
    *link = sent->link;
    return true;
}

static inline void tell_checkpoint(world_t *w, member_t from, height_t height,
                                   const digest_t *root) {
    checkpoint_t said = {
        .epoch = w->committee.epoch, .height = height, .root = *root, .member = from};
    uint8_t bytes[CHECKPOINT_BYTES], text[CHECKPOINT_SIGNED_BYTES];
    checkpoint_signed_bytes(&said, &w->committee.domain, text);
    w->signers[from].sign(w->signers[from].context, bytes_of(text, sizeof text), &said.signature);
    writer_t writer = writer_of(bytes, sizeof bytes);
    checkpoint_encode(&said, &writer);
    feed(w, member_link(from), FRAME_CHECKPOINT, writer_bytes(&writer));
}

#endif
