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
    lanes_pump(r);
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
        if (!r->payload->frame(r, link, frame))
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
            answer_status(r, link, frame.body);
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
    if (r->records_owed && r->phase == REPLICA_RUNNING)
        space_write_records(r);
    if (r->disk_short && r->phase == REPLICA_RUNNING) {
        r->disk_short = false;
        r->judge_again = r->lanes.dirty = true;
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
        lanes_tick(r);
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
        else if (job->purpose == VERIFY_BATCH)
            lanes_verified(r, job);
        else
            submit_verified(r, job);
    }
    leave(r);
}

/* Final marks and the like wait for company: a write that holds up the next vote would cost each
 * block a second sync. */
static bool somebody_waits(const replica_t *r) {
    const outbox_entry_t *first = r->outbox.count > 0 ? ring_at((ring_t *)&r->outbox, 0) : NULL;
    return r->phase == REPLICA_RECOVERING || r->lanes.mute > 0 ||
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
    if (r->phase == REPLICA_RUNNING) {
        submit_flush(r);
        attest_on(r);
    }
    leave(r);
    if (r->snapshots.release_due && r->phase == REPLICA_RUNNING)
        space_release(r);
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
