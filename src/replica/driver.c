/* Drives the core: queued events in, effects out. The effects of a step and what they point to live
 * until the next step, so they are all carried out first; what answers them is queued. */
#include "replica/state.h"

void driver_queue(replica_t *r, const event_t *event) {
    /* An event more than this would be a loop without progress. */
    bool queued = ring_push(&r->events, event);
    ensure(queued);
}

static void on_persist(replica_t *r, const effect_t *effect) {
    space_keep_record(r, &effect->persist);
    space_write_records(r);
}

static void on_deadline(replica_t *r, const effect_t *effect) {
    require(effect->deadline.id < DEADLINES_MAX);
    r->deadlines[effect->deadline.id] = effect->deadline.at_ns;
}

/* An accusation is for people and for the record; the core has acted on it already. */
static void on_accuse(replica_t *r, const evidence_t *evidence) {
    const protocol_t *protocol = r->config.protocol;
    bool convicts = evidence_judge(evidence, r->config.committee, protocol->phases,
                                   protocol->phase_count) == SYNOD_OK;
    quota_log(r, evidence->member, 1, "core", "accuse", "member=%u phase=%s view=%llu convicts=%s",
              evidence->member, protocol->phases[evidence->first.phase].name,
              (unsigned long long)evidence->first.view, convicts ? "yes" : "no");
}

static void carry_out(replica_t *r, const effect_t *effect) {
    switch (effect->kind) {
    case EFFECT_PERSIST:
        on_persist(r, effect);
        break;
    case EFFECT_STORE: {
        block_slot_t *slot = blocks_find(&r->blocks, &effect->store.id);
        if (slot != NULL)
            journal_block(r, slot);
        break;
    }
    case EFFECT_SEND:
        outbox_send(r, effect->send.to, effect->send.early, &effect->send.message);
        break;
    case EFFECT_DEADLINE:
        on_deadline(r, effect);
        break;
    case EFFECT_WANT:
        build_payload(r, &effect->want.parent, effect->want.size_max_bytes);
        break;
    case EFFECT_FETCH:
        fetch_block(r, &effect->fetch.id);
        break;
    case EFFECT_VALIDATE:
        judge_block(r, &effect->validate.id);
        break;
    case EFFECT_DELIVER:
        if (effect->deliver.level == LEVEL_FINAL)
            deliver(r, effect->deliver.position, &effect->deliver.id, effect->deliver.proof);
        break;
    case EFFECT_ACCUSE:
        on_accuse(r, effect->accuse);
        break;
    case EFFECT_HALT:
        replica_halt(r, SYNOD_CONFLICT, effect->halt.reason);
        break;
    case EFFECT_FORGET:
    case EFFECT_RELAY:
    case EFFECT_COMPUTE:
    case EFFECT_RETRACT:
    case EFFECT_CLOSE:
        replica_halt(r, SYNOD_UNSUPPORTED, "the core asked for an effect that is not offered");
        break;
    }
}

static void step(replica_t *r, const event_t *event) {
    effects_reset(&r->effects);
    stage_t before = host_stage(r->config.host, STAGE_CORE);
    r->config.protocol->step(r->core, &r->env, event, &r->effects);
    host_stage(r->config.host, before);
    for (uint32_t i = 0; i < r->effects.count && r->phase != REPLICA_HALTED; i++)
        carry_out(r, &r->effects.items[i]);
}

static event_t event_of(replica_t *r, event_kind_t kind) {
    return (event_t){.kind = kind, .now_ns = r->now.now_ns, .time_ns = r->now.time_ns};
}

void driver_start(replica_t *r, const record_t *records, uint32_t count) {
    event_t event = event_of(r, EVENT_START);
    event.start.records = records;
    event.start.count = count;
    event.start.height = ledger_height(r->ledger);
    event.start.id = r->executed_id;
    step(r, &event);
}

/* What a peer said; its storage is the caller's, so it is not queued. */
void driver_message(replica_t *r, const message_t *message, member_t link) {
    event_t event = event_of(r, EVENT_MESSAGE);
    event.message.message = message;
    event.message.link = link;
    event.message.arrival_ns = r->now.now_ns;
    step(r, &event);
}

static void queue_pending(replica_t *r) {
    event_t event = event_of(r, EVENT_PENDING);
    r->payload->pending(r, &event);
    driver_queue(r, &event);
}

/* The leader changed: what waits here has to reach the new one. */
static void watch_leader(replica_t *r) {
    progress_t progress;
    replica_figures_t *figures = &r->figures;
    r->config.protocol->progress(r->core, &r->env, &progress);
    bool failed = progress.views_failed > figures->views_failed_seen;
    bool rotated = !failed && progress.leader != r->last_leader && r->last_leader != MEMBER_NONE;
    if (failed || rotated) {
        figures->view_changed_by = failed ? VIEW_CAUSE_TIMEOUT : VIEW_CAUSE_ROTATION;
        figures->view_changed_ns = r->now.now_ns;
        figures->views_failed_seen = progress.views_failed;
        figures->leaders_rotated += rotated ? 1 : 0;
    }
    if (progress.leader == r->last_leader)
        return;
    r->last_leader = progress.leader;
    r->payload->led(r);
}

/* The core asked for a payload, or a block, in this view and still leads. */
static void build_late(replica_t *r) {
    if (!r->want_waits || r->events.count > 0 || r->phase != REPLICA_RUNNING)
        return;
    progress_t progress;
    r->config.protocol->progress(r->core, &r->env, &progress);
    const digest_t parent = r->want_parent;
    r->want_waits = false;
    if (progress.leader == r->config.self && r->want_block)
        fetch_block(r, &parent);
    else if (progress.leader == r->config.self)
        build_payload(r, &parent, r->want_size);
}

void driver_run(replica_t *r) {
    build_late(r);
    while (r->phase == REPLICA_RUNNING) {
        if (r->judge_again) {
            r->judge_again = false;
            judge_waiting(r);
        }
        if (r->events.count == 0 && r->pending_dirty) {
            r->pending_dirty = false;
            queue_pending(r);
        }
        if (r->events.count == 0)
            break;
        event_t event = *(event_t *)ring_at(&r->events, 0);
        ring_pop(&r->events);
        event.now_ns = r->now.now_ns;
        event.time_ns = r->now.time_ns;
        step(r, &event);
    }
    if (r->phase == REPLICA_RUNNING)
        watch_leader(r);
}

/* Deadlines of one instant go by id, after messages (contract, 2). */
void driver_deadlines(replica_t *r) {
    for (uint32_t id = 0; id < DEADLINES_MAX; id++) {
        if (r->deadlines[id] == 0 || r->deadlines[id] > r->now.now_ns)
            continue;
        r->deadlines[id] = 0;
        event_t event = event_of(r, EVENT_DEADLINE);
        event.deadline.id = id;
        driver_queue(r, &event);
        driver_run(r);
    }
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a == 0 ? b : b == 0 ? a : a < b ? a : b;
}

void set_wake(replica_t *r) {
    uint64_t at = earlier(earlier(r->sync_at, r->fetch_at), earlier(r->root_at, r->lazy_at));
    at = earlier(earlier(at, r->claims_at), earlier(r->transfer.at, r->seal_at));
    at = earlier(at, earlier(r->lines_told_at, earlier(r->idle_root_at, r->tell_at)));
    at = earlier(at, earlier(r->lanes.remind_at, r->lanes.fetch_at));
    for (uint32_t id = 0; id < DEADLINES_MAX; id++)
        if (r->deadlines[id] != UINT64_MAX)
            at = earlier(at, r->deadlines[id]);
    if (at == r->wake_at)
        return;
    r->wake_at = at;
    if (at != 0)
        r->config.host->wake(r->config.host->context, at);
}
