/* Inputs and looking. Each input is: take the time, do the part's work, run the core until nothing
 * is queued, release what has become durable, set the next wake. */
#include "replica/state.h"

/* Nothing was written for so long: the journal is sealed, which costs a sync. */
#define SEAL_AFTER_NS UINT64_C(1000000000)
/* A final mark that is lost costs a question to a peer, nothing else. */
#define LAZY_WRITE_NS UINT64_C(20000000)

/* ---- inputs ---- */

static void enter(replica_t *r, instant_t now) {
    require(now.now_ns >= r->now.now_ns);
    r->now.now_ns = now.now_ns;
    if (now.time_ns > r->now.time_ns) /* agreed time never goes back */
        r->now.time_ns = now.time_ns;
}

static void leave(replica_t *r) {
    if (r->phase != REPLICA_RUNNING)
        return;
    driver_run(r);
    outbox_pump(r);
    set_wake(r);
}

void replica_start(replica_t *r, instant_t now) {
    r->started = now;
    enter(r, now);
    snapshot_recover(r);
    leave(r);
}

void replica_on_link_up(replica_t *r, instant_t now, link_t link, member_t member,
                        uint64_t connection) {
    enter(r, now);
    require(link != LINK_NONE && (member == MEMBER_NONE || member < r->config.committee->size));
    if (r->phase != REPLICA_HALTED)
        link_up(r, link, member, connection);
    leave(r);
}

void replica_on_link_down(replica_t *r, instant_t now, link_t link) {
    enter(r, now);
    link_down(r, link);
    leave(r);
}

static void member_frame(replica_t *r, replica_link_t *link, frame_t frame) {
    switch (frame.kind) {
    case FRAME_MESSAGE:
        gate_message(r, link, frame.body);
        break;
    case FRAME_BLOCK_ASK:
        serve_ask(r, link, frame.body);
        break;
    case FRAME_BLOCK:
        sync_block(r, link, frame.body);
        break;
    case FRAME_SNAPSHOT_ASK:
        snapshot_ask_on_frame(r, link, frame.body);
        break;
    case FRAME_SNAPSHOT:
        snapshot_on_frame(r, link, frame.body);
        break;
    case FRAME_CHECKPOINT:
        attest_on_frame(r, link, frame.body);
        break;
    default:
        gate_drop(r, link, SYNOD_UNWANTED, "frame", 1);
        break;
    }
}

static void log_goodbye(replica_t *r, const replica_link_t *link, bytes_t body) {
    reader_t reader = reader_of(body);
    goodbye_t goodbye;
    if (goodbye_decode(&reader, &goodbye) == SYNOD_OK && link->member != MEMBER_NONE)
        quota_log(r, link->member, 1, "link", "goodbye", "member=%u status=%d reason=\"%s\"",
                  link->member, (int)goodbye.status, goodbye.reason);
}

static void on_frame(replica_t *r, replica_link_t *link, frame_t frame) {
    if (frame.kind == FRAME_HELLO) {
        link_on_hello(r, link, frame.body);
        return;
    }
    if (frame.kind == FRAME_GOODBYE) {
        log_goodbye(r, link, frame.body);
        return;
    }
    if (!link->greeted || r->phase != REPLICA_RUNNING) {
        r->frames_dropped++; /* nobody honest sends before he was greeted, by a replica that runs */
        return;
    }
    switch (frame.kind) {
    case FRAME_REQUEST:
        submit_request(r, link, frame.body);
        break;
    case FRAME_ATTACH:
        link_attach(r, link, frame.body);
        break;
    case FRAME_QUERY:
        answer_query(r, link, frame.body);
        break;
    case FRAME_STATUS_ASK:
        if (quota_work(r, link, STATUS_WORK_NS))
            answer_status(r, link);
        break;
    default:
        if (link->member == MEMBER_NONE)
            gate_drop(r, link, SYNOD_NOT_MEMBER, "frame", 1);
        else
            member_frame(r, link, frame);
        break;
    }
}

void replica_on_frame(replica_t *r, instant_t now, link_t id, frame_t frame) {
    enter(r, now);
    replica_link_t *link = link_find(r, id);
    if (link != NULL && r->phase != REPLICA_HALTED)
        on_frame(r, link, frame);
    leave(r);
}

void replica_on_appended(replica_t *r, instant_t now, uint64_t token, synod_status status) {
    enter(r, now);
    journal_on_appended(r->journal, token, status);
    synod_status health = journal_status(r->journal);
    if (r->phase == REPLICA_RECOVERING)
        recover_continue(r);
    else if (health != SYNOD_OK && health != SYNOD_NO_SPACE && r->phase == REPLICA_RUNNING)
        replica_halt(r, health, "the journal cannot be written: nothing more is promised"); /* F2 */
    if (r->snapshots.release_due && r->phase == REPLICA_RUNNING)
        space_release(r);
    if (r->disk_short && r->phase == REPLICA_RUNNING) {
        r->disk_short = false;
        r->judge_again = true;
        deliver_pump(r);
    }
    leave(r);
}

void replica_on_read(replica_t *r, instant_t now, uint64_t token, synod_status status) {
    enter(r, now);
    if (r->phase == REPLICA_RECOVERING) {
        journal_on_read(r->journal, token, status);
        recover_continue(r);
    } else if (r->phase == REPLICA_RUNNING) {
        serve_on_read(r, status);
    }
    leave(r);
}

void replica_on_stored(replica_t *r, instant_t now, uint64_t token, synod_status status) {
    enter(r, now);
    if (token != 0 && token == r->snapshots.store_token) {
        r->snapshots.store_token = 0;
        if (r->phase == REPLICA_RUNNING && !transfer_on_stored(r, status))
            save_on_stored(r, status);
    }
    leave(r);
}

void replica_on_loaded(replica_t *r, instant_t now, uint64_t token, synod_status status) {
    enter(r, now);
    if (r->phase != REPLICA_HALTED)
        snapshot_on_loaded(r, token, status);
    leave(r);
}

/* Damage in the very last write looks like a torn one; when nothing follows it for a while, a seal
 * does. */
static void seal_tick(replica_t *r) {
    if (r->seal_at == 0 || r->seal_at > r->now.now_ns)
        return;
    r->seal_at = 0;
    if (journal_last(r->journal) != journal_durable(r->journal))
        return; /* it is not idle; again when it is */
    if (journal_seal(r->journal))
        journal_pump(r->journal);
    r->sealed = journal_last(r->journal);
}

void replica_on_wake(replica_t *r, instant_t now) {
    enter(r, now);
    if (r->phase == REPLICA_RUNNING) {
        r->wake_at = 0;
        r->judge_again = true; /* blocks that wait for the clock */
        sync_tick(r);
        attest_tick(r);
        quota_tick(r);
        transfer_tick(r);
        seal_tick(r);
        driver_deadlines(r);
    }
    leave(r);
}

void replica_on_job(replica_t *r, instant_t now, job_t *base) {
    enter(r, now);
    verify_job_t *job = (verify_job_t *)base;
    if (!save_on_job(r, base) && r->phase == REPLICA_RUNNING) {
        if (job->purpose == VERIFY_BLOCK)
            judge_verified(r, job);
        else
            submit_verified(r, job);
    }
    leave(r);
}

/* Final marks and the like wait for company: a write that holds up the next vote would cost each
 * block a second sync. */
static bool somebody_waits(const replica_t *r) {
    const outbox_entry_t *first = r->outbox.count > 0 ? ring_at((ring_t *)&r->outbox, 0) : NULL;
    return r->phase == REPLICA_RECOVERING ||
           (first != NULL && first->barrier > journal_durable(r->journal)) ||
           !journal_room(r->journal, JOURNAL_RECORD_MAX / 2);
}

static void write_journal(replica_t *r) {
    if (journal_last(r->journal) == journal_durable(r->journal)) {
        r->lazy_at = 0;
        if (journal_last(r->journal) != r->sealed && r->seal_at == 0 && r->phase == REPLICA_RUNNING)
            r->seal_at = r->now.now_ns + SEAL_AFTER_NS;
        return;
    }
    r->seal_at = 0;
    if (somebody_waits(r) || (r->lazy_at != 0 && r->lazy_at <= r->now.now_ns))
        r->lazy_at = 0;
    else if (r->lazy_at == 0)
        r->lazy_at = r->now.now_ns + LAZY_WRITE_NS;
    if (r->lazy_at == 0)
        journal_pump(r->journal);
}

void replica_flush(replica_t *r, instant_t now) {
    enter(r, now);
    if (r->phase == REPLICA_RUNNING)
        submit_flush(r);
    leave(r);
    if (r->phase == REPLICA_HALTED)
        return;
    write_journal(r);
    if (r->phase == REPLICA_RUNNING)
        set_wake(r);
}

bool replica_rest(replica_t *r, instant_t now) {
    enter(r, now);
    if (r->phase != REPLICA_RUNNING)
        return true;
    journal_pump(r->journal);
    if (journal_last(r->journal) != journal_durable(r->journal))
        return false;
    bool sealing = journal_seal(r->journal);
    if (sealing)
        journal_pump(r->journal);
    return !sealing;
}

/* ---- looking ---- */

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
    report->synced = r->phase == REPLICA_RUNNING && r->final_height == report->executed;
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
    const checkpoint_said_t *said = &r->checkpoints[(size_t)member * CHECKPOINTS_KEPT];
    for (uint32_t i = 0; i < CHECKPOINTS_KEPT; i++)
        if (said[i].height > peer->attested_height)
            peer->attested_height = said[i].height;
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

void replica_halt(replica_t *r, synod_status status, const char *reason) {
    if (r->phase == REPLICA_HALTED)
        return;
    r->phase = REPLICA_HALTED;
    replica_log(r, 0, "replica", "halt", "status=%d reason=\"%s\"", (int)status, reason);
    r->config.host->halt(r->config.host->context, status, reason);
}

void replica_log_list(replica_t *r, int level, const char *module, const char *event,
                      const char *format, va_list arguments) {
    vsnprintf(r->text, sizeof r->text, format, arguments);
    r->config.host->log(r->config.host->context, level, module, event, r->text);
}

void replica_log(replica_t *r, int level, const char *module, const char *event, const char *format,
                 ...) {
    va_list arguments;
    va_start(arguments, format);
    replica_log_list(r, level, module, event, format, arguments);
    va_end(arguments);
}
