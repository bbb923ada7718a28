/* The gate for consensus messages: decode and bound, structure, admission by the core, and only
 * then signatures; what was verified is remembered, so that a certificate of known votes costs
 * comparisons. */
#include "replica/state.h"

/* Slots by the first bytes of the signature, which its author chooses freely but cannot make fit
 * another statement; a collision costs a verification, nothing else. */
static known_entry_t *known_slot(replica_t *r, const signature_t *signature) {
    uint64_t x = load_u64(signature->bytes) ^ r->known_secret;
    x *= UINT64_C(0x9E3779B97F4A7C15);
    return &r->known[(x >> 32) % KNOWN_SLOTS];
}

void known_add(replica_t *r, member_t author, const uint8_t statement[STATEMENT_BYTES],
               const signature_t *signature) {
    known_entry_t *entry = known_slot(r, signature);
    entry->used = 1;
    entry->author = author;
    entry->signature = *signature;
    memcpy(entry->statement, statement, STATEMENT_BYTES);
}

bool known_has(void *context, member_t author, const uint8_t statement[STATEMENT_BYTES],
               const signature_t *signature) {
    replica_t *r = context;
    const known_entry_t *entry = known_slot(r, signature);
    return entry->used && entry->author == author &&
           memcmp(entry->signature.bytes, signature->bytes, sizeof signature->bytes) == 0 &&
           memcmp(entry->statement, statement, STATEMENT_BYTES) == 0;
}

/* Only after every signature in it held (attack Q8). */
void known_add_certificate(replica_t *r, const certificate_t *certificate) {
    uint32_t index = 0;
    for (member_t m = bitset_next(certificate->words, certificate->members, 0);
         m < certificate->members;
         m = bitset_next(certificate->words, certificate->members, m + 1)) {
        statement_t statement = certificate_statement_of(certificate, index);
        uint8_t bytes[STATEMENT_BYTES];
        statement_encode(&statement, &r->config.committee->domain, bytes);
        known_add(r, m, bytes, certificate_signature(certificate, index));
        r->signatures_seen[m]++;
        index++;
    }
}

/* The payload of a proposal must be what its block says; the root is checked where the payload is
 * judged, before anything is voted. The store takes the block when the core asks for a verdict. */
static synod_status hand_proposal(replica_t *r, const message_t *message, bytes_t payload) {
    const block_t *block = message->block;
    if (block->payload_size_bytes != payload.size)
        return SYNOD_MISMATCH;
    if (block->parent_count != 1)
        return SYNOD_MALFORMED;
    if (payload.size > r->blocks.payload_max)
        return SYNOD_TOO_LARGE;
    r->proposal = block;
    r->proposal_payload = payload;
    return SYNOD_OK;
}

static void remember(replica_t *r, const message_t *message) {
    if (r->config.protocol->phases[message->statement.phase].authentication == AUTH_SIGNATURE) {
        uint8_t bytes[STATEMENT_BYTES];
        statement_encode(&message->statement, &r->config.committee->domain, bytes);
        known_add(r, message->author, bytes, &message->signature);
        r->signatures_seen[message->author]++;
    }
    for (uint32_t i = 0; i < MESSAGE_CERTIFICATES_MAX; i++)
        if (message->certificates[i] != NULL)
            known_add_certificate(r, message->certificates[i]);
}

/* A certificate that does not hold cost a verification for each of its signatures. */
static uint32_t weight_of(const message_t *message, synod_status status) {
    uint32_t weight = 1;
    for (uint32_t i = 0; i < MESSAGE_CERTIFICATES_MAX && status == SYNOD_BAD_SIGNATURE; i++)
        if (message->certificates[i] != NULL)
            weight += message->certificates[i]->signers;
    return weight;
}

void gate_message(replica_t *r, replica_link_t *link, bytes_t body) {
    const protocol_t *protocol = r->config.protocol;
    reader_t reader = reader_of(body);
    message_t message;
    arena_reset(&r->decode);
    judge_t judge = {.committee = r->config.committee,
                     .phases = protocol->phases,
                     .phase_count = protocol->phase_count,
                     .anchor = &r->env.anchor,
                     .link = link->member,
                     .known = &r->known_face};
    synod_status status = message_decode(&reader, protocol->phases, protocol->phase_count,
                                         r->config.committee->size, &r->decode, &message);
    if (status == SYNOD_OK && message.block == NULL && reader_left(&reader) > 0)
        status = SYNOD_MALFORMED;
    if (status == SYNOD_OK)
        status = judge_structure(&judge, &message);
    if (status == SYNOD_OK && protocol->admit(r->core, &r->env, &message) != ADMIT_NOW)
        return; /* late or enough: the normal fate of the last votes */
    if (status == SYNOD_OK) {
        stage_t before = host_stage(r->config.host, STAGE_MESSAGE_SIGNATURE);
        status = judge_authenticity(&judge, &message);
        host_stage(r->config.host, before);
    }
    if (status == SYNOD_OK && message.block != NULL)
        status = hand_proposal(r, &message, read_bytes(&reader, reader_left(&reader)));
    if (status != SYNOD_OK) {
        gate_drop(r, link, status, "message", weight_of(&message, status));
        return;
    }
    remember(r, &message);
    driver_message(r, &message, link->member);
    r->proposal = NULL;
}
