/* See metrics.h. */
#include "node/metrics.h"

#include "adapter/exposition.h"
#include "node/api.h"
#include "node/state.h"

static void print_chain(FILE *page, const status_report_t *r) {
    family_one(page, "synod_final_height", FAMILY_GAUGE, "Height of the last final block.",
               r->final);
    family_one(page, "synod_executed_height", FAMILY_GAUGE, "Height of the last executed block.",
               r->executed);
    family_one(page, "synod_view", FAMILY_GAUGE, "View of the protocol.", r->view);
}

void metrics_print(node_t *node, FILE *page) {
    status_report_t report;
    node_status(node, &report);
    print_chain(page, &report);
}
