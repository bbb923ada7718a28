/* See status_text.h. */
#include "adapter/status_text.h"

#include <inttypes.h>

static void print_digest(FILE *to, const char *name, const digest_t *digest) {
    (void)fprintf(to, "\"%s\":\"", name);
    for (size_t at = 0; at < sizeof digest->bytes; at++) {
        (void)fprintf(to, "%02x", digest->bytes[at]);
    }
    (void)fprintf(to, "\",");
}

const char *status_view_cause(uint32_t cause) {
    return cause == VIEW_CAUSE_TIMEOUT    ? "timeout"
           : cause == VIEW_CAUSE_ROTATION ? "rotation"
                                          : "none";
}

static void print_peers(FILE *to, const status_report_t *r) {
    status_peer_t peer;
    (void)fprintf(to, "\"members\":[");
    for (member_t member = 0; status_report_peer(r, member, &peer); member++) {
        (void)fprintf(to, "%s{\"member\":%" PRIu32 ",\"connected\":%s,\"attested\":%" PRIu64,
                      member > 0 ? "," : "", member,
                      peer.connected != 0 || member == r->member ? "true" : "false",
                      peer.attested_height);
        if (peer.connected != 0) {
            (void)fprintf(to, ",\"silent_ms\":%" PRIu32, peer.silent_ms);
        }
        (void)fprintf(to, "}");
    }
    (void)fprintf(to, "],");
}

void status_print_json(FILE *to, const status_report_t *r) {
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"view", r->view},
                   {"certified", r->certified},
                   {"final", r->final},
                   {"executed", r->executed},
                   {"operations", r->operations_executed},
                   {"requests", r->requests_executed},
                   {"pending", r->pending_requests},
                   {"pending_bytes", r->pending_bytes},
                   {"views_failed", r->views_failed},
                   {"sessions", r->sessions},
                   {"peers", r->peers_connected},
                   {"clients", r->clients_connected},
                   {"journal_syncs", r->journal_syncs},
                   {"journal_bytes", r->journal_bytes},
                   {"snapshot_height", r->snapshot_height},
                   {"journal_used", r->journal_used_bytes},
                   {"journal_capacity", r->journal_capacity_bytes},
                   {"frames_dropped", r->frames_dropped},
                   {"signatures_bad", r->signatures_bad},
                   {"sync_failures", r->sync_failures},
                   {"quota_drops", r->quota_drops},
                   {"links_refused", r->links_refused},
                   {"lines_held", r->lines_held},
                   {"uptime_ns", r->uptime_ns},
                   {"phase", r->phase},
                   {"time_ns", r->time_ns},
                   {"leaders_rotated", r->leaders_rotated},
                   {"view_changed_ns", r->view_changed_ns},
                   {"disk_syncs", r->disk_syncs},
                   {"disk_sync_ns", r->disk_sync_ns},
                   {"disk_sync_longest_ns", r->disk_sync_longest_ns},
                   {"disk_free", r->disk_free_bytes},
                   {"disk_total", r->disk_total_bytes}};
    (void)fprintf(to, "\"member\":%" PRIu32 ",\"leader\":%" PRId64 ",", r->member,
                  r->leader == MEMBER_NONE ? -1 : (int64_t)r->leader);
    for (size_t at = 0; at < sizeof numbers / sizeof numbers[0]; at++) {
        (void)fprintf(to, "\"%s\":%" PRIu64 ",", numbers[at].name, numbers[at].value);
    }
    (void)fprintf(to, "\"root_height\":%" PRIu64 ",", r->root_height);
    print_digest(to, "root", &r->root);
    print_digest(to, "final_id", &r->final_id);
    print_peers(to, r);
    (void)fprintf(to, "\"version\":\"%u.%u.%u\",\"view_changed_by\":\"%s\",", r->version >> 16,
                  r->version >> 8 & 255, r->version & 255, status_view_cause(r->view_changed_by));
    (void)fprintf(to, "\"disk_full\":%s,\"mute\":%s,\"synced\":%s",
                  r->disk_full != 0 ? "true" : "false", r->mute != 0 ? "true" : "false",
                  r->synced != 0 ? "true" : "false");
}
