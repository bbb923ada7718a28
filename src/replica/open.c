/* Opening a replica: defaults, bounds, and the one layout of its memory. */
#include "replica/state.h"

#include "base/arena.h"
#include "base/bitset.h"

#define JOURNAL_SEGMENTS_DEFAULT 64
/* A snapshot for each eighth of the journal. */
#define SNAPSHOT_SHARE_DEFAULT 8
#define MEMPOOL_BYTES_DEFAULT (64u << 20)
#define LINKS_DEFAULT 1024
#define LINK_FAULTS_DEFAULT 256
#define OUTBOX_ENTRIES 1024

#define DEFAULT(field, value)                                                                      \
    do {                                                                                           \
        if ((field) == 0)                                                                          \
            (field) = (value);                                                                     \
    } while (0)

void chain_parameters_fill(chain_parameters_t *p, const protocol_t *protocol) {
    protocol->defaults(&p->core);
    DEFAULT(p->ledger.sessions_max, 1024);
    DEFAULT(p->ledger.session_window, 1024);
    DEFAULT(p->ledger.session_reply_bytes, 64u << 10);
    DEFAULT(p->ledger.session_idle_ns, UINT64_C(600000000000));
    DEFAULT(p->ledger.reply_bytes_max, 256u << 10);
    DEFAULT(p->ledger.state_bytes_max, LEDGER_STATE_BYTES_MAX);
    DEFAULT(p->checkpoint_blocks, 256);
    DEFAULT(p->clock_drift_ns, UINT64_C(10000000000));
    DEFAULT(p->payload, PAYLOAD_INLINE);
}

static void fill(replica_config_t *config) {
    if (config->protocol != NULL) /* judged after this */
        chain_parameters_fill(&config->chain, config->protocol);
    DEFAULT(config->journal_segments, JOURNAL_SEGMENTS_DEFAULT);
    DEFAULT(config->journal_segment_bytes, JOURNAL_SEGMENT_BYTES);
    DEFAULT(config->snapshot_bytes,
            config->journal_segments * config->journal_segment_bytes / SNAPSHOT_SHARE_DEFAULT);
    DEFAULT(config->mempool_bytes, MEMPOOL_BYTES_DEFAULT);
    DEFAULT(config->links_max, LINKS_DEFAULT);
    DEFAULT(config->link_faults, LINK_FAULTS_DEFAULT);
}

/* Takes memory in one fixed order; with a NULL base it only counts. Nothing is touched here. */
typedef struct layout {
    uint8_t *base;
    size_t used;
} layout_t;

static void *take(layout_t *layout, size_t size) {
    void *at = layout->base == NULL ? NULL : layout->base + layout->used;
    layout->used += arena_cost(size);
    return at;
}

typedef struct parts {
    void *lanes, *held, *lane_signers, *lane_signatures, *ack_signers, *ack_signatures, *rings;
    void *journal, *mempool, *blocks, *ledger, *decode, *events, *outbox, *scratch, *link_map,
        *attachment_map;
    size_t decode_size, scratch_size;
} parts_t;

static bool payload_is_apart(const replica_config_t *c) {
    const payload_strategy_t *strategy = payload_strategy(c->chain.payload);
    return strategy != NULL && strategy->apart;
}

/* Bytes behind a payload. */
static uint32_t content_max(const replica_config_t *c) {
    return payload_is_apart(c) ? c->chain.core.payload_bytes_max : 0;
}

static void lay_out_core(replica_t *r, const replica_config_t *c, layout_t *at, parts_t *parts) {
    uint32_t n = c->committee->size;
    const protocol_t *protocol = c->protocol;
    size_t record = protocol->record_bytes_max(n);
    parts->decode_size = message_arena_bytes(n);
    parts->scratch_size = protocol->scratch_bytes(n);
    r->core = take(at, protocol->state_bytes(&c->chain.core, n));
    r->effects.items = take(at, protocol->effects_max * sizeof(effect_t));
    r->effects.capacity = protocol->effects_max;
    parts->scratch = take(at, parts->scratch_size);
    parts->decode = take(at, parts->decode_size);
    parts->events = take(at, EVENTS_MAX * sizeof(event_t));
    r->records = take(at, protocol->records_max * sizeof(record_t));
    r->record_sequences = take(at, protocol->records_max * sizeof(uint64_t));
    r->live_records = take(at, protocol->records_max * sizeof(record_t));
    r->record_room = take(at, protocol->records_max * record);
    r->known = take(at, KNOWN_SLOTS * sizeof(known_entry_t));
    r->frame = take(at, FRAME_HEADER_BYTES + FRAME_BODY_MAX);
    r->query_room = take(at, 2 * (size_t)QUERY_BYTES_MAX);
    r->final_proof = take(at, certificate_bytes_max(n));
    r->passed_proof = take(at, certificate_bytes_max(n));
    r->proof_room = take(at, certificate_bytes_max(n));
    r->serve.proof = take(at, certificate_bytes_max(n));
    r->serve.room_size = JOURNAL_RECORD_HEADER_BYTES + BLOCK_FIXED_BYTES + 64 +
                         c->chain.core.payload_bytes_max + content_max(c) +
                         certificate_bytes_max(n) + 4096;
    r->serve.room = take(at, r->serve.room_size);
}

static void lay_out_snapshots(replica_t *r, const replica_config_t *c, layout_t *at) {
    snapshots_t *s = &r->snapshots;
    uint32_t n = c->committee->size;
    for (uint32_t i = 0; i < SNAPSHOT_SLOTS_HELD; i++)
        s->slots[i].manifest = take(at, SNAPSHOT_MANIFEST_MAX);
    s->manifest = take(at, SNAPSHOT_MANIFEST_MAX);
    s->attestations = take(at, (size_t)n * SNAPSHOT_ATTESTATION_BYTES);
    s->digests = take(at, SNAPSHOT_CHUNKS_MAX * sizeof(digest_t));
    s->piece = take(at, SNAPSHOT_PIECE_CHUNKS * SNAPSHOT_CHUNK_BYTES);
    s->save.signers = take(at, bitset_words(n) * sizeof(uint64_t));
    s->save.signatures = take(at, n * sizeof(signature_t));
    s->save.proof = take(at, certificate_bytes_max(n));
    s->serve.room = take(at, SNAPSHOT_CHUNK_BYTES);
    r->transfer.liars = take(at, bitset_words(n) * sizeof(uint64_t));
    r->transfer.pruned = take(at, bitset_words(n) * sizeof(uint64_t));
    r->spare_memory = take(at, ledger_bytes(&c->chain.ledger));
}

static void lay_out_lanes(replica_t *r, const replica_config_t *c, layout_t *at, parts_t *parts) {
    uint32_t n = c->committee->size;
    lanes_t *lanes = &r->lanes;
    parts->lanes = take(at, n * sizeof(author_lane_t));
    parts->held = take(at, n * LANE_WINDOW * sizeof(held_batch_t));
    parts->lane_signers = take(at, n * (size_t)((n + 7) / 8));
    parts->lane_signatures = take(at, (size_t)n * n * SYNOD_SIGNATURE_BYTES);
    lanes->acks = take(at, LANE_WINDOW * sizeof(own_acks_t));
    parts->ack_signers = take(at, LANE_WINDOW * bitset_words(n) * sizeof(uint64_t));
    parts->ack_signatures = take(at, LANE_WINDOW * n * sizeof(signature_t));
    lanes->branch = take(at, n * sizeof(uint64_t));
    lanes->branch_name = take(at, n * sizeof(digest_t));
    lanes->looked = take(at, bitset_words(n) * sizeof(uint64_t));
    lanes->taken = take(at, bitset_words(n) * sizeof(uint64_t));
    lanes->order = take(at, (size_t)n * LANE_ORDER_BYTES);
    r->snapshots.save.order = take(at, (size_t)n * LANE_ORDER_BYTES);
    lanes->proof = take(at, certificate_bytes_max(n));
    /* Last, because it is large and touched as it is used. */
    parts->rings = take(at, n * (size_t)LANE_RING_SHARE * c->chain.core.payload_bytes_max);
}

static void start_lanes(replica_t *r, const parts_t *parts) {
    uint32_t n = r->config.committee->size;
    lanes_t *lanes = &r->lanes;
    lanes->lanes = parts->lanes;
    lanes->ring_bytes = LANE_RING_SHARE * r->config.chain.core.payload_bytes_max;
    for (member_t m = 0; m < n; m++) {
        author_lane_t *lane = &lanes->lanes[m];
        lane->held = (held_batch_t *)parts->held + (size_t)m * LANE_WINDOW;
        lane->signers = (uint8_t *)parts->lane_signers + m * (size_t)((n + 7) / 8);
        lane->signatures =
            (uint8_t *)parts->lane_signatures + (size_t)m * n * SYNOD_SIGNATURE_BYTES;
        lane->ring = (uint8_t *)parts->rings + (size_t)m * lanes->ring_bytes;
    }
    for (uint32_t i = 0; i < LANE_WINDOW; i++) {
        lanes->acks[i].signers = (uint64_t *)parts->ack_signers + (size_t)i * bitset_words(n);
        lanes->acks[i].signatures = (signature_t *)parts->ack_signatures + (size_t)i * n;
    }
}

static void lay_out(replica_t *r, const replica_config_t *c, layout_t *at, parts_t *parts) {
    uint32_t payload = c->chain.core.payload_bytes_max;
    lay_out_core(r, c, at, parts);
    parts->journal = take(at, journal_memory_bytes(JOURNAL_BUFFER_BYTES, c->journal_segments));
    parts->mempool = take(at, mempool_memory_bytes(c->mempool_bytes));
    parts->blocks = take(at, blocks_memory_bytes(payload, content_max(c)));
    lay_out_snapshots(r, c, at);
    parts->ledger = take(at, ledger_bytes(&c->chain.ledger));
    r->index_block = take(at, INDEX_HEIGHTS * sizeof(uint64_t));
    r->index_final = take(at, INDEX_HEIGHTS * sizeof(uint64_t));
    for (uint32_t i = 0; i < 2; i++) {
        r->submit[i].items = take(at, SUBMIT_BATCH_MAX * sizeof(submit_item_t));
        r->submit[i].bytes = take(at, SUBMIT_BATCH_BYTES);
    }
    for (uint32_t i = 0; i < JOBS_MAX; i++)
        r->jobs[i].items = take(at, BLOCK_REQUESTS_MAX * sizeof(verify_item_t));
    r->attachments = take(at, ATTACHMENTS_MAX * sizeof(attachment_t));
    parts->attachment_map = take(at, map_bytes(ATTACHMENTS_MAX));
    r->requests = take(at, BLOCK_REQUESTS_MAX * sizeof(request_t));
    r->request_digests = take(at, BLOCK_REQUESTS_MAX * sizeof(digest_t));
    r->request_leaves = take(at, BLOCK_REQUESTS_MAX * sizeof(digest_t));
    r->built = take(at, payload);
    if (payload_is_apart(c))
        lay_out_lanes(r, c, at, parts);
    r->links = take(at, c->links_max * sizeof(replica_link_t));
    parts->link_map = take(at, map_bytes(c->links_max));
    r->member_links = take(at, c->committee->size * sizeof(link_t));
    r->send_room = take(at, c->committee->size * sizeof(link_t));
    r->guards = take(at, (c->committee->size + 1) * sizeof(guard_t));
    r->sync_peers = take(at, c->committee->size * sizeof(sync_peer_t));
    r->claims = take(at, c->committee->size * sizeof(height_t));
    r->signatures_seen = take(at, c->committee->size * sizeof(uint64_t));
    r->checkpoints = take(at, c->committee->size * CHECKPOINTS_KEPT * sizeof(checkpoint_said_t));
    parts->outbox = take(at, OUTBOX_ENTRIES * sizeof(outbox_entry_t));
    r->outbox_bytes = take(at, OUTBOX_BYTES);
}

size_t replica_bytes(const replica_config_t *given) {
    replica_config_t config = *given;
    fill(&config);
    replica_t count;
    layout_t layout = {.used = arena_cost(sizeof(replica_t))};
    parts_t parts;
    lay_out(&count, &config, &layout, &parts);
    return layout.used;
}

/* A block into a segment; and one that goes with its content, and with references as large, into
 * one frame. */
static bool block_fits(const replica_config_t *c) {
    uint64_t payload = c->chain.core.payload_bytes_max;
    return c->journal_segment_bytes >= payload + content_max(c) + UINT64_C(16) * 4096 &&
           (!payload_is_apart(c) || payload <= PAYLOAD_CERTIFIED_BYTES_MAX);
}

/* Beside two segments in use and those that are free when there is room again: what a release
 * writes again stands there twice for a while (journal_roomy). */
#define SEGMENTS_BESIDE (JOURNAL_SEGMENTS_MIN - 2)

uint64_t replica_segments_min(const replica_config_t *given) {
    replica_config_t config = *given;
    fill(&config);
    if (!block_fits(&config))
        return 0;
    return payload_is_apart(&config) ? SEGMENTS_BESIDE + 2 * space_reserve(&config)
                                     : JOURNAL_SEGMENTS_MIN;
}

/* What a release may write again, as far as there are segments for it. */
static uint32_t reserve(const replica_config_t *c) {
    uint64_t wanted = space_reserve(c);
    uint32_t most = (c->journal_segments - SEGMENTS_BESIDE) / 2;
    return wanted < most ? (uint32_t)wanted : most;
}

static synod_status judge_config(const replica_config_t *c) {
    const char *reason;
    if (c->protocol == NULL || c->committee == NULL || c->app == NULL || c->host == NULL ||
        c->signer == NULL || c->self >= c->committee->size)
        return SYNOD_BAD_CONFIG;
    if (payload_strategy(c->chain.payload) == NULL)
        return SYNOD_UNSUPPORTED;
    /* A block and its certificates have to fit into one frame and one journal record; a request
     * into a block. */
    if (c->chain.core.payload_bytes_max > (FRAME_BODY_MAX >> 1) ||
        c->chain.core.payload_bytes_max < 4096 ||
        c->chain.core.execution_horizon > BLOCKS_SLOTS / 2 || ledger_bytes(&c->chain.ledger) == 0)
        return SYNOD_BAD_CONFIG;
    /* The parts' own preconditions: an operator's number is judged, not asserted. */
    if (c->journal_segment_bytes % 4096 != 0 || !block_fits(c) ||
        c->journal_segments < JOURNAL_SEGMENTS_MIN ||
        c->journal_segment_bytes > UINT64_MAX / 2 / c->journal_segments ||
        c->mempool_bytes < 4 * REQUEST_BYTES_MAX ||
        c->links_max < 2 * (uint64_t)c->committee->size + 1)
        return SYNOD_BAD_CONFIG;
    return protocol_judge(c->protocol, &reason);
}

static void start_parts(replica_t *r, const parts_t *parts) {
    const replica_config_t *c = &r->config;
    r->decode = arena_of(parts->decode, parts->decode_size);
    r->effects.scratch = arena_of(parts->scratch, parts->scratch_size);
    r->events = ring_of(parts->events, sizeof(event_t), EVENTS_MAX);
    r->outbox = ring_of(parts->outbox, sizeof(outbox_entry_t), OUTBOX_ENTRIES);
    r->journal = journal_make_sized(parts->journal, JOURNAL_BUFFER_BYTES, c->journal_segment_bytes,
                                    c->journal_segments, c->host);
    if (c->journal_extent_bytes != 0)
        journal_set_extent(r->journal, c->journal_extent_bytes);
    if (payload_is_apart(c))
        journal_set_reserve(r->journal, reserve(c));
    /* Tables keyed by what clients choose are mixed with a secret of this node. */
    r->known_secret = load_u64(c->seed) ^ load_u64(c->seed + 16);
    r->mempool = mempool_make(parts->mempool, c->mempool_bytes, load_u64(c->seed + 8));
    r->blocks =
        blocks_make(parts->blocks, c->chain.core.payload_bytes_max, content_max(&r->config));
    r->link_index = map_of_zeroed(parts->link_map, c->links_max);
    r->attachment_index = map_of_zeroed(parts->attachment_map, ATTACHMENTS_MAX);
    r->links_max = c->links_max;
    r->known_face = (certificate_known_t){known_has, r};
    r->last_leader = MEMBER_NONE;
    r->sync_count = SYNC_RUN_MAX;
    r->submit[0].number = 1;
    r->submit[1].number = r->batch_clock = 2;
    r->executed_id = r->final_id = c->anchor;
    r->env = (env_t){.committee = c->committee,
                     .parameters = &r->config.chain.core,
                     .self = c->self,
                     .anchor = c->anchor};
    memcpy(r->env.seed, c->seed, sizeof r->env.seed);
    for (uint32_t i = 0; i < JOBS_MAX; i++) {
        r->jobs[i].job.work = job_run;
        r->jobs[i].verifier = c->committee->verifier;
        r->jobs[i].domain = c->committee->domain;
    }
}

synod_status replica_open(void *memory, size_t size, const replica_config_t *given,
                          replica_t **replica) {
    replica_config_t config = *given;
    fill(&config);
    synod_status status = judge_config(&config);
    if (status != SYNOD_OK)
        return status;
    if (size < replica_bytes(&config))
        return SYNOD_NO_MEMORY;
    replica_t *r = memory;
    layout_t layout = {.base = memory, .used = arena_cost(sizeof *r)};
    parts_t parts;
    lay_out(r, &config, &layout, &parts);
    r->config = config;
    r->payload = payload_strategy(config.chain.payload);
    start_parts(r, &parts);
    if (r->payload->apart)
        start_lanes(r, &parts);
    status = ledger_open(parts.ledger, &r->config.chain.ledger, config.app,
                         config.committee->verifier, &r->ledger);
    if (status != SYNOD_OK)
        return status;
    r->phase = REPLICA_RECOVERING;
    *replica = r;
    return SYNOD_OK;
}

void replica_close(replica_t *r) {
    ledger_close(r->ledger);
    if (r->spare != NULL)
        ledger_close(r->spare);
    r->phase = REPLICA_HALTED;
}
