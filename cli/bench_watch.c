/* Where the validators stand while they are under load: each is asked in turn, with a client of its
 * own. Forty answers a second are some 2 ms of processor time in all. */
#include <time.h>

#include "cli/bench.h"

#define PAUSE_NS 25000000
#define PATIENCE_NS UINT64_C(200000000)

static void note(bench_t *b, const status_report_t *report, uint64_t *failed_views) {
    if (report->leader < b->cluster.size && report->view >= atomic_load(&b->view)) {
        atomic_store(&b->view, report->view);
        atomic_store(&b->leader, report->leader);
    }
    if (report->views_failed <= *failed_views)
        return;
    uint64_t more = report->views_failed - *failed_views;
    *failed_views = report->views_failed;
    uint64_t now = monotonic_ns();
    if (now < b->from_ns || now >= b->to_ns)
        return;
    atomic_fetch_add(&b->view_changes, more);
    mark_t *mark = bench_mark(b, MARK_VIEW_CHANGE, report->leader);
    if (mark != NULL)
        mark->view = report->view;
}

void bench_watch(void *context) {
    bench_t *b = context;
    synod_client *client;
    uint64_t failed_views = 0;
    if (local_client(b->verb, &b->cluster, NULL, &client) >= 0)
        return;
    for (uint32_t i = 0; !atomic_load(&b->ending); i = (i + 1) % b->cluster.size) {
        status_report_t report;
        if (atomic_load(&b->up[i]) && connect_status(client, i, PATIENCE_NS, &report)) {
            atomic_store(&b->answers[i], true);
            note(b, &report, &failed_views);
        }
        nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
    }
    synod_client_close(client);
}
