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
                   {"root_height", r->root_height},
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
                   {"uptime_ns", r->uptime_ns}};
    (void)fprintf(to, "\"member\":%" PRIu32 ",\"leader\":%" PRId64 ",", r->member,
                  r->leader == MEMBER_NONE ? -1 : (int64_t)r->leader);
    for (size_t at = 0; at < sizeof numbers / sizeof numbers[0]; at++) {
        (void)fprintf(to, "\"%s\":%" PRIu64 ",", numbers[at].name, numbers[at].value);
    }
    print_digest(to, "root", &r->root);
    print_digest(to, "final_id", &r->final_id);
    (void)fprintf(to, "\"synced\":%s", r->synced != 0 ? "true" : "false");
}
