/* Looking at a replica: what it says about itself, its members, its queues, its blocks and its
 * root. Nothing here changes what it does. */
#include "replica/lanes.h"
#include "replica/state.h"

replica_phase_t replica_phase(const replica_t *r) {
    return r->phase;
}

const ledger_t *replica_ledger(const replica_t *r) {
    return r->ledger;
}

void replica_observe(replica_t *r, replica_observer_fn *observer, void *context) {
    r->observer = observer;
    r->observer_context = context;
}

static height_t attested_by(const replica_t *r, member_t member) {
    const checkpoint_said_t *said = &r->checkpoints[(size_t)member * CHECKPOINTS_KEPT];
    height_t newest = 0;
    for (uint32_t i = 0; i < CHECKPOINTS_KEPT; i++)
        newest = said[i].height > newest ? said[i].height : newest;
    return newest;
}

/* Have f + 1 members signed the root of a height that was not executed here? Then one of them is
 * correct and it is so: blocks are missing, whether or not one of them has come already. */
static bool is_behind(const replica_t *r) {
    const committee_t *committee = r->config.committee;
    uint64_t weight = 0;
    for (member_t m = 0; m < committee->size; m++)
        if (attested_by(r, m) > ledger_height(r->ledger))
            weight += committee_weight(committee, m);
    return weight >= quorum_weight(committee, QUORUM_ONE_HONEST);
}

void replica_status(const replica_t *r, instant_t now, status_report_t *report) {
    memset(report, 0, sizeof *report);
    report->member = r->config.self;
    report->leader = MEMBER_NONE;
    if (r->phase == REPLICA_RUNNING) {
        progress_t progress;
        r->config.protocol->progress(r->core, &r->env, &progress);
        report->view = progress.view;
        report->leader = progress.leader;
        report->certified = progress.certified;
        report->views_failed = progress.views_failed;
    }
    report->final = r->final_height;
    report->final_id = r->final_id;
    report->executed = ledger_height(r->ledger);
    report->root_height = r->root_height;
    report->root = r->root;
    report->requests_executed = ledger_requests_executed(r->ledger);
    report->operations_executed = ledger_operations_executed(r->ledger);
    report->pending_requests = r->mempool.count;
    report->pending_bytes = r->mempool.bytes;
    report->sessions = ledger_sessions(r->ledger);
    for (uint32_t i = 0; i < r->links_max; i++) {
        const replica_link_t *link = &r->links[i];
        if (link->link == LINK_NONE || !link->greeted)
            continue;
        if (link->member == MEMBER_NONE)
            report->clients_connected++;
        else
            report->peers_connected++;
    }
    report->journal_syncs = journal_syncs(r->journal);
    report->journal_bytes = journal_bytes_written(r->journal);
    report->snapshot_height = snapshot_newest((snapshots_t *)(uintptr_t)&r->snapshots)->height;
    report->journal_used_bytes = journal_used_bytes(r->journal);
    report->journal_capacity_bytes = journal_capacity_bytes(r->journal);
    report->frames_dropped = r->frames_dropped;
    report->signatures_bad = r->signatures_bad;
    report->sync_failures = r->sync_failures;
    report->quota_drops = r->quota_drops;
    report->links_refused = r->links_refused;
    report->lines_held = r->lines_held;
    report->uptime_ns = now.now_ns - r->started.now_ns;
    report->synced =
        r->phase == REPLICA_RUNNING && r->final_height == report->executed && !is_behind(r);
    report->mute = r->mute;
    report->phase = r->phase;
    report->time_ns = now.time_ns;
    report->leaders_rotated = r->figures.leaders_rotated;
    report->view_changed_by = r->figures.view_changed_by;
    if (r->figures.view_changed_by != VIEW_CAUSE_NONE)
        report->view_changed_ns = now.now_ns - r->figures.view_changed_ns;
    if (r->config.host->describe != NULL)
        r->config.host->describe(r->config.host->context, report);
}

void replica_peer(const replica_t *r, member_t member, status_peer_t *peer) {
    const host_t *host = r->config.host;
    link_t link = r->member_links[member];
    uint64_t silent_ms = 0;
    if (link != LINK_NONE && host->silence_ms != NULL)
        silent_ms = host->silence_ms(host->context, link);
    bool connected = link != LINK_NONE && silent_ms != UINT64_MAX;
    *peer = (status_peer_t){.connected = connected, .silent_ms = UINT32_MAX};
    if (connected)
        peer->silent_ms = silent_ms < UINT32_MAX ? (uint32_t)silent_ms : UINT32_MAX - 1;
    peer->attested_height = attested_by(r, member);
}

void replica_report(replica_t *r, instant_t now, status_report_t *report) {
    writer_t peers = writer_of(r->query_room, 2 * QUERY_BYTES_MAX);
    replica_status(r, now, report);
    for (member_t m = 0; m < r->config.committee->size; m++) {
        status_peer_t peer;
        replica_peer(r, m, &peer);
        status_peer_encode(&peer, &peers);
    }
    ensure(!peers.failed);
    report->peers = writer_bytes(&peers);
}

bool replica_lane(const replica_t *r, member_t author, lane_view_t *view) {
    if (r->lanes.lanes == NULL)
        return false;
    const author_lane_t *lane = &r->lanes.lanes[author];
    uint64_t requests, done = lane->certified > lane->tip ? lane->certified : lane->tip;
    *view = (lane_view_t){.ordered = lane->tip,
                          .ordered_name = lane->tip_name,
                          .certified = lane->certified,
                          .held = lane->high,
                          .bytes_max = r->blocks.payload_max,
                          .forked = lane->forked};
    lane_load(lane, &view->bytes, &requests);
    for (uint64_t s = (done > lane->low ? done : lane->low) + 1; s <= lane->high; s++)
        view->acknowledged += lane->held[s % LANE_WINDOW].state == HELD_SAID;
    if (lane->certified > lane->tip)
        view->waiting_ns = r->now.now_ns - lane->certified_ns;
    return true;
}

const replica_figures_t *replica_figures(const replica_t *r) {
    return &r->figures;
}

uint64_t replica_signatures_seen(const replica_t *r, member_t member) {
    return r->signatures_seen[member];
}

void replica_queues(const replica_t *r, queue_depth_t queues[QUEUES_COUNT]) {
    const submit_batch_t *filling = &r->submit[r->submit_filling];
    uint64_t jobs = 0, blocks = 0;
    for (uint32_t i = 0; i < JOBS_MAX; i++)
        jobs += r->jobs[i].used ? 1 : 0;
    for (uint32_t i = 0; i < BLOCKS_SLOTS; i++)
        blocks += r->blocks.slots[i].state == BLOCK_FREE ? 0 : 1;
    queues[0] = (queue_depth_t){"mempool_requests", r->mempool.count, MEMPOOL_REQUESTS_MAX};
    queues[1] = (queue_depth_t){"mempool_bytes", r->mempool.bytes, r->mempool.ring_bytes};
    queues[2] = (queue_depth_t){"requests_to_verify", filling->count, SUBMIT_BATCH_MAX};
    queues[3] = (queue_depth_t){"verification_jobs", jobs, JOBS_MAX};
    queues[4] = (queue_depth_t){"blocks", blocks, BLOCKS_SLOTS};
    queues[5] = (queue_depth_t){"outbox_bytes", r->outbox_tail - r->outbox_head, OUTBOX_BYTES};
}

bool replica_query(replica_t *r, bytes_t query, bool prove, query_reply_t *answer) {
    if (r->phase != REPLICA_RUNNING)
        return false;
    query_answer(r, query, prove, answer);
    return true;
}

bool replica_root(const replica_t *r, state_root_t *root) {
    if (r->root_height == 0 || r->root_height != ledger_height(r->ledger))
        return false;
    *root = (state_root_t){.epoch = r->config.committee->epoch,
                           .height = r->root_height,
                           .root = r->root,
                           .application = r->application_root,
                           .sessions = ledger_session_root(r->ledger),
                           .committee = committee_root(r),
                           .order = r->root_order};
    return true;
}

bool replica_root_signed(const replica_t *r, member_t member, signature_t *signature) {
    const checkpoint_said_t *said = &r->checkpoints[(size_t)member * CHECKPOINTS_KEPT];
    for (uint32_t i = 0; i < CHECKPOINTS_KEPT && r->root_height > 0; i++)
        if (said[i].height == r->root_height && digest_equal(&said[i].root, &r->root)) {
            *signature = said[i].signature;
            return true;
        }
    return false;
}

block_place_t replica_block_at(const replica_t *r, height_t height, block_view_t *view) {
    height_t executed = ledger_height(r->ledger);
    *view = (block_view_t){.lowest = r->index_low, .highest = executed};
    if (height == 0 || height > executed)
        return BLOCK_UNKNOWN;
    if (height < r->index_low || r->index_low == 0 || executed - height >= INDEX_HEIGHTS)
        return BLOCK_RELEASED;
    uint64_t block = r->index_block[height % INDEX_HEIGHTS];
    uint64_t proof = r->index_final[height % INDEX_HEIGHTS];
    const block_slot_t *slot = blocks_executed_at(&r->blocks, height);
    view->block = slot == NULL ? NULL : slot_block(slot);
    view->address = block == 0 ? 0 : block - 1;
    view->has_proof = proof != 0;
    view->proof_address = proof == 0 ? 0 : proof - 1;
    view->record_bytes_max = JOURNAL_RECORD_HEADER_BYTES + BLOCK_FIXED_BYTES + SYNOD_DIGEST_BYTES +
                             r->config.chain.core.payload_bytes_max;
    return slot == NULL && block == 0 ? BLOCK_RELEASED : BLOCK_HERE;
}
