/* See metrics.h. */
#include "node/metrics.h"

#include "adapter/exposition.h"
#include "node/api.h"
#include "node/state.h"

#define LABEL_MAX 128

/* A sample with one label. */
static void sample(FILE *page, const char *name, const char *label, const char *value,
                   uint64_t count) {
    char labels[LABEL_MAX];
    (void)snprintf(labels, sizeof labels, "%s=\"%s\"", label, value);
    family_count(page, name, labels, count);
}

static void print_build(const node_t *node, FILE *page) {
    const genesis_t *genesis = &node->home.genesis;
    char labels[4 * GENESIS_NAME_MAX + LABEL_MAX];
    uint32_t version = node_version();
    (void)snprintf(labels, sizeof labels,
                   "version=\"%u.%u.%u\",chain=\"%s\",protocol=\"%s\",app=\"%s\",name=\"%s\","
                   "member=\"%u\"",
                   version >> 16, version >> 8 & 255, version & 255, genesis->chain.text,
                   genesis->protocol.text, genesis->app.text,
                   genesis->members[node->home.self].name.text, node->home.self);
    family_begin(page, "synod_build_info", FAMILY_GAUGE, "What runs here; always 1.");
    family_count(page, "synod_build_info", labels, 1);
}

static void print_chain(FILE *page, const status_report_t *r, uint64_t genesis_ns) {
    family_one(page, "synod_final_height", FAMILY_GAUGE, "Height of the last final block.",
               r->final);
    family_one(page, "synod_executed_height", FAMILY_GAUGE, "Height of the last executed block.",
               r->executed);
    family_one(page, "synod_certified_height", FAMILY_GAUGE, "Height of the last certified block.",
               r->certified);
    family_one(page, "synod_root_height", FAMILY_GAUGE,
               "Height of the last state root computed here.", r->root_height);
    family_one(page, "synod_snapshot_height", FAMILY_GAUGE,
               "Height of the newest snapshot that can be used; 0: none.", r->snapshot_height);
    family_one(page, "synod_view", FAMILY_GAUGE, "View of the protocol.", r->view);
    family_one(page, "synod_is_leader", FAMILY_GAUGE, "1 while this validator leads.",
               r->leader == r->member ? 1 : 0);
    family_one(page, "synod_running", FAMILY_GAUGE,
               "1 when the journal has been read and nothing has stopped the validator.",
               r->phase == REPLICA_RUNNING ? 1 : 0);
    family_one(page, "synod_synced", FAMILY_GAUGE, "1 when nothing is known to be missing.",
               r->synced);
    family_one(page, "synod_mute", FAMILY_GAUGE,
               "1 while it signs no vote, for what its key signed before is not known.", r->mute);
    family_begin(page, "synod_view_changes_total", FAMILY_COUNTER,
                 "Views that failed by time-out, and leaders whose turn was over.");
    sample(page, "synod_view_changes_total", "cause", "timeout", r->views_failed);
    sample(page, "synod_view_changes_total", "cause", "rotation", r->leaders_rotated);
    family_begin(page, "synod_clock_seconds", FAMILY_GAUGE,
                 "Unix time by this validator's clock, which never goes back while it runs.");
    family_seconds(page, "synod_clock_seconds", NULL, genesis_ns + r->time_ns);
}

static void print_requests(const node_t *node, FILE *page, const status_report_t *r) {
    static const struct {
        synod_status status;
        const char *name;
    } results[] = {{SYNOD_OK, "ok"},
                   {SYNOD_APP_ERROR, "application_error"},
                   {SYNOD_BUSY, "busy"},
                   {SYNOD_EXPIRED, "expired"},
                   {SYNOD_INVALID, "invalid"}};
    const replica_figures_t *figures = replica_figures(node->replica);
    family_begin(page, "synod_requests_total", FAMILY_COUNTER,
                 "Requests executed or refused since the start, by result.");
    for (size_t at = 0; at < sizeof results / sizeof results[0]; at++)
        sample(page, "synod_requests_total", "result", results[at].name,
               figures->requests[results[at].status]);
    family_one(page, "synod_operations_total", FAMILY_COUNTER,
               "Operations executed since the chain began.", r->operations_executed);
    family_one(page, "synod_sessions", FAMILY_GAUGE, "Open sessions of clients.", r->sessions);
}

static void print_latencies(node_t *node, FILE *page) {
    static const char *const stages[LATENCY_STAGES] = {"stage=\"verify\"", "stage=\"order\"",
                                                       "stage=\"judge\"", "stage=\"final\""};
    const replica_figures_t *figures = replica_figures(node->replica);
    disk_counters_t disk;
    disk_counters(node->disk, &disk);
    family_begin(page, "synod_stage_seconds", FAMILY_HISTOGRAM,
                 "How long requests and blocks take at each stage of their way.");
    for (uint32_t stage = 0; stage < LATENCY_STAGES; stage++)
        family_latency(page, "synod_stage_seconds", stages[stage], &figures->latencies[stage]);
    family_latency(page, "synod_stage_seconds", "stage=\"journal\"", &disk.write_times);
    family_begin(page, "synod_journal_sync_seconds", FAMILY_HISTOGRAM,
                 "How long each sync of the disk took.");
    family_latency(page, "synod_journal_sync_seconds", NULL, &disk.sync_times);
}

/* Processor time by stage, when the configuration has it taken. */
static void print_stages(const node_t *node, FILE *page) {
    if (node->home.settings.meter != METER_STAGES)
        return;
    family_begin(page, "synod_stage_cpu_seconds_total", FAMILY_COUNTER,
                 "Processor time by stage; only with meter = stages.");
    for (uint32_t stage = 0; stage < STAGE_COUNT; stage++) {
        char labels[LABEL_MAX];
        (void)snprintf(labels, sizeof labels, "stage=\"%s\"", meter_stage_names[stage].name);
        family_seconds(page, "synod_stage_cpu_seconds_total", labels,
                       atomic_load_explicit(&node->meter->stage_ns[stage], memory_order_relaxed));
    }
}

/* ---- members ---- */

typedef uint64_t member_value_t(const node_t *node, member_t member, const status_peer_t *peer);

static uint64_t value_connected(const node_t *node, member_t member, const status_peer_t *peer) {
    return member == node->home.self || peer->connected != 0 ? 1 : 0;
}

static uint64_t value_attested(const node_t *node, member_t member, const status_peer_t *peer) {
    (void)node;
    (void)member;
    return peer->attested_height;
}

static uint64_t value_signatures(const node_t *node, member_t member, const status_peer_t *peer) {
    (void)peer;
    return replica_signatures_seen(node->replica, member);
}

static void print_of_members(const node_t *node, FILE *page, const char *name, family_kind_t kind,
                             const char *help, member_value_t *value) {
    family_begin(page, name, kind, help);
    for (member_t m = 0; m < node->committee.size; m++) {
        char number[16];
        status_peer_t peer;
        replica_peer(node->replica, m, &peer);
        (void)snprintf(number, sizeof number, "%u", m);
        sample(page, name, "member", number, value(node, m, &peer));
    }
}

/* Nothing to say of this member. */
#define ABSENT UINT64_MAX

/* The same where `value` gives nanoseconds or ABSENT. */
static void print_times_of_members(const node_t *node, FILE *page, const char *name,
                                   const char *help, member_value_t *value) {
    family_begin(page, name, FAMILY_GAUGE, help);
    for (member_t m = 0; m < node->committee.size; m++) {
        char labels[LABEL_MAX];
        status_peer_t peer;
        replica_peer(node->replica, m, &peer);
        uint64_t ns = value(node, m, &peer);
        (void)snprintf(labels, sizeof labels, "member=\"%u\"", m);
        if (ns != ABSENT)
            family_seconds(page, name, labels, ns);
    }
}

static uint64_t value_silence(const node_t *node, member_t member, const status_peer_t *peer) {
    (void)node;
    (void)member;
    return peer->connected != 0 ? peer->silent_ms * UINT64_C(1000000) : ABSENT;
}

static void print_members(const node_t *node, FILE *page, const status_report_t *r) {
    uint64_t missing = 0;
    for (member_t m = 0; m < node->committee.size; m++) {
        status_peer_t peer;
        replica_peer(node->replica, m, &peer);
        missing += value_connected(node, m, &peer) == 0 ? 1 : 0;
    }
    family_one(page, "synod_members", FAMILY_GAUGE, "Validators of the chain.",
               node->committee.size);
    family_one(page, "synod_members_missing", FAMILY_GAUGE,
               "Validators without a connection to this one.", missing);
    family_one(page, "synod_clients", FAMILY_GAUGE, "Clients connected.", r->clients_connected);
    print_of_members(node, page, "synod_member_connected", FAMILY_GAUGE,
                     "1 for each validator that is connected to this one.", value_connected);
    print_of_members(node, page, "synod_member_attested_height", FAMILY_GAUGE,
                     "Height of the newest state root that the validator has signed.",
                     value_attested);
    print_of_members(node, page, "synod_member_signatures_total", FAMILY_COUNTER,
                     "Verified signatures of the validator seen in messages and certificates.",
                     value_signatures);
    print_times_of_members(node, page, "synod_member_silence_seconds",
                           "Since the last byte of each validator that is connected.",
                           value_silence);
}

/* ---- batches of members, where blocks name them (docs/protocols/payload.md); else all zero ----
 */

static lane_view_t lane_of(const node_t *node, member_t member) {
    lane_view_t lane = {0};
    (void)replica_lane(node->replica, member, &lane);
    return lane;
}

static uint64_t value_unordered(const node_t *node, member_t member, const status_peer_t *peer) {
    (void)peer;
    lane_view_t lane = lane_of(node, member);
    return lane.held > lane.ordered ? lane.held - lane.ordered : 0;
}

static uint64_t value_forked(const node_t *node, member_t member, const status_peer_t *peer) {
    (void)peer;
    return lane_of(node, member).forked ? 1 : 0;
}

static uint64_t value_waiting(const node_t *node, member_t member, const status_peer_t *peer) {
    (void)peer;
    return lane_of(node, member).waiting_ns;
}

static void print_lanes(const node_t *node, FILE *page) {
    const replica_figures_t *figures = replica_figures(node->replica);
    print_of_members(node, page, "synod_lane_unordered", FAMILY_GAUGE,
                     "Batches of the validator that are held and not ordered; only certified.",
                     value_unordered);
    print_of_members(node, page, "synod_lane_forked", FAMILY_GAUGE,
                     "1 while no batch of the validator is taken, for it sent others another one.",
                     value_forked);
    print_times_of_members(node, page, "synod_lane_waiting_seconds",
                           "For how long a certified batch of the validator waits to be ordered.",
                           value_waiting);
    family_begin(page, "synod_batches_total", FAMILY_COUNTER,
                 "Batches that found no room, came twofold, or had to be asked for.");
    sample(page, "synod_batches_total", "event", "refused", figures->batches_refused);
    sample(page, "synod_batches_total", "event", "twofold", figures->batches_twofold);
    sample(page, "synod_batches_total", "event", "asked", figures->batches_asked);
}

/* ---- queues, drops, network ---- */

static const char *const lane_names[LANE_COUNT] = {"consensus", "client", "bulk"};

static void print_queues(const node_t *node, FILE *page) {
    queue_depth_t queues[QUEUES_COUNT];
    replica_queues(node->replica, queues);
    family_begin(page, "synod_queue_depth", FAMILY_GAUGE, "What waits in each queue.");
    for (uint32_t at = 0; at < QUEUES_COUNT; at++)
        sample(page, "synod_queue_depth", "queue", queues[at].name, queues[at].depth);
    sample(page, "synod_queue_depth", "queue", "disk_operations", disk_pending(node->disk));
    family_begin(page, "synod_queue_bound", FAMILY_GAUGE, "What each queue holds at most.");
    for (uint32_t at = 0; at < QUEUES_COUNT; at++)
        sample(page, "synod_queue_bound", "queue", queues[at].name, queues[at].bound);
    sample(page, "synod_queue_bound", "queue", "disk_operations", DISK_PENDING_MAX);
    family_begin(page, "synod_send_queue_bytes", FAMILY_GAUGE,
                 "What waits to be sent, on all links together.");
    for (uint32_t lane = 0; lane < LANE_COUNT; lane++)
        sample(page, "synod_send_queue_bytes", "lane", lane_names[lane],
               net_lane_bytes(node->net, (lane_t)lane));
}

/* SYNOD_TRUNCATED to SYNOD_UNWANTED, what judging bytes and peers can find. */
static const char *const reasons[] = {"truncated",   "malformed",     "too_large", "bad_checksum",
                                      "bad_version", "bad_signature", "bad_key",   "wrong_chain",
                                      "wrong_epoch", "not_a_member",  "duplicate", "no_quorum",
                                      "mismatch",    "stale",         "unwanted"};
_Static_assert(sizeof reasons / sizeof reasons[0] == SYNOD_UNWANTED - SYNOD_TRUNCATED + 1,
               "one name for each");

static void print_drops(const node_t *node, FILE *page, const status_report_t *r) {
    const replica_figures_t *figures = replica_figures(node->replica);
    const net_counters_t *net = net_counters(node->net);
    family_begin(page, "synod_frames_dropped_total", FAMILY_COUNTER,
                 "Frames of members and clients that were judged and dropped, by reason.");
    for (size_t at = 0; at < sizeof reasons / sizeof reasons[0]; at++)
        sample(page, "synod_frames_dropped_total", "reason", reasons[at],
               figures->drops[SYNOD_TRUNCATED + at]);
    family_begin(page, "synod_sends_dropped_total", FAMILY_COUNTER,
                 "Frames that found no room in the queue of a link.");
    for (uint32_t lane = 0; lane < LANE_COUNT; lane++)
        sample(page, "synod_sends_dropped_total", "lane", lane_names[lane],
               net->frames_dropped[lane]);
    family_one(page, "synod_quota_drops_total", FAMILY_COUNTER,
               "Requests and questions above a link's share.", r->quota_drops);
    family_one(page, "synod_links_refused_total", FAMILY_COUNTER, "Links closed for their faults.",
               r->links_refused);
    family_one(page, "synod_sync_failures_total", FAMILY_COUNTER,
               "Runs of blocks that a member sent and left unproved.", r->sync_failures);
    family_one(page, "synod_log_lines_held_total", FAMILY_COUNTER,
               "Log lines of members and clients above their share.", r->lines_held);
}

static void print_bytes(FILE *page, const char *way, const uint64_t bytes[FRAME_KIND_END]) {
    for (uint32_t kind = FRAME_HELLO; kind < FRAME_KIND_END; kind++) {
        char labels[LABEL_MAX];
        (void)snprintf(labels, sizeof labels, "direction=\"%s\",kind=\"%s\"", way,
                       frame_kind_name((frame_kind_t)kind));
        family_count(page, "synod_network_bytes_total", labels, bytes[kind]);
    }
}

static void print_network(const node_t *node, FILE *page) {
    const net_counters_t *net = net_counters(node->net);
    const struct {
        const char *name;
        uint64_t count;
    } events[] = {{"accepted", net->accepted},    {"dialled", net->dialled},
                  {"handshake", net->handshakes}, {"handshake_failed", net->handshakes_failed},
                  {"refused", net->refused},      {"malformed", net->malformed},
                  {"timeout", net->timeouts},     {"overflow", net->overflows}};
    family_begin(page, "synod_network_bytes_total", FAMILY_COUNTER,
                 "Bytes of frames with their headers, before TLS.");
    print_bytes(page, "in", net->kind_bytes_in);
    print_bytes(page, "out", net->kind_bytes_out);
    family_begin(page, "synod_link_events_total", FAMILY_COUNTER,
                 "What happened to connections of members and clients.");
    for (size_t at = 0; at < sizeof events / sizeof events[0]; at++)
        sample(page, "synod_link_events_total", "event", events[at].name, events[at].count);
}

static void print_disk(FILE *page, const status_report_t *r) {
    family_one(page, "synod_journal_bytes_total", FAMILY_COUNTER,
               "Bytes written to the journal since the start.", r->journal_bytes);
    family_one(page, "synod_journal_used_bytes", FAMILY_GAUGE,
               "Bytes of the journal that are still needed.", r->journal_used_bytes);
    family_one(page, "synod_journal_capacity_bytes", FAMILY_GAUGE,
               "Bytes that the journal may have.", r->journal_capacity_bytes);
    family_one(page, "synod_disk_free_bytes", FAMILY_GAUGE,
               "Free room of the file system under data/.", r->disk_free_bytes);
    family_one(page, "synod_disk_size_bytes", FAMILY_GAUGE, "Size of that file system.",
               r->disk_total_bytes);
    family_one(page, "synod_disk_full", FAMILY_GAUGE,
               "1 while an append waits for room: nothing is promised meanwhile.", r->disk_full);
}

static void print_http(const node_t *node, FILE *page) {
    static const char *const classes[] = {NULL, NULL, "2xx", "3xx", "4xx", "5xx"};
    const http_counters_t *http = api_counters(node->api);
    family_begin(page, "synod_http_answers_total", FAMILY_COUNTER,
                 "Answers of this API, by class of status.");
    for (uint32_t at = 2; at < sizeof classes / sizeof classes[0]; at++)
        sample(page, "synod_http_answers_total", "class", classes[at], http->answers[at]);
    family_one(page, "synod_http_connections", FAMILY_GAUGE, "Connections to this API.",
               http->connections);
    family_one(page, "synod_http_turned_away_total", FAMILY_COUNTER,
               "Connections for which this API had no place.", http->turned_away);
}

void metrics_print(node_t *node, FILE *page) {
    status_report_t report;
    node_status(node, &report);
    print_build(node, page);
    print_chain(page, &report, node->home.genesis.time_ns);
    print_requests(node, page, &report);
    print_latencies(node, page);
    print_stages(node, page);
    print_members(node, page, &report);
    print_queues(node, page);
    print_lanes(node, page);
    print_drops(node, page, &report);
    print_network(node, page);
    print_disk(page, &report);
    print_http(node, page);
    metrics_print_process(page);
}
