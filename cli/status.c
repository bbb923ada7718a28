/* synod status: what every validator of a chain says about itself. */
#include <stdio.h>
#include <string.h>

#include "adapter/status_text.h"
#include "cli/connect.h"
#include "cli/verbs.h"

static void print_row(uint32_t member, bool answered, const status_report_t *r) {
    if (!answered) {
        printf("%6u  does not answer\n", member);
        return;
    }
    char leader[12] = "-";
    if (r->leader != MEMBER_NONE)
        snprintf(leader, sizeof leader, "%u", r->leader);
    char journal[32];
    snprintf(journal, sizeof journal, "%.1f/%.0f", (double)r->journal_used_bytes / (1 << 20),
             (double)r->journal_capacity_bytes / (1 << 20));
    printf(
        "%6u  %6s  %9llu  %9llu  %10llu  %7llu  %9llu  %02x%02x%02x%02x  %9llu  %11s  %5llu  %s\n",
        member, leader, (unsigned long long)r->final, (unsigned long long)r->executed,
        (unsigned long long)r->operations_executed, (unsigned long long)r->pending_requests,
        (unsigned long long)r->root_height, r->root.bytes[0], r->root.bytes[1], r->root.bytes[2],
        r->root.bytes[3], (unsigned long long)r->snapshot_height, journal,
        (unsigned long long)r->peers_connected, r->synced ? "yes" : "no");
}

static void print_json(uint32_t member, bool answered, const status_report_t *r, bool first) {
    printf("%s{", first ? "[" : ",");
    if (answered)
        status_print_json(stdout, r);
    else
        printf("\"member\":%u", member);
    printf(",\"answers\":%s}", answered ? "true" : "false");
}

static int run(const verb_t *verb, int argc, char **argv) {
    bool json = false;
    connect_options_t connect;
    option_t options[8] = {{"json", OPTION_FLAG, &json, NULL, "print JSON"}};
    connect_option_table(&connect, options, 1);
    connect.timeout_ns = UINT64_C(2000000000);
    arguments_t arguments;
    int code = options_parse(verb, options, argc, argv, &arguments);
    if (code >= 0)
        return code;
    synod_client *client;
    code = connect_open(verb, &connect, NULL, &client);
    if (code >= 0)
        return code;
    uint32_t members = synod_client_members(client), answering = 0;
    if (!json)
        printf("%6s  %6s  %9s  %9s  %10s  %7s  %9s  %8s  %9s  %11s  %5s  %s\n", "member", "leader",
               "final", "executed", "operations", "pending", "root at", "root", "snapshot",
               "journal MiB", "peers", "synced");
    for (uint32_t i = 0; i < members; i++) {
        status_report_t report = {0};
        bool answered = connect_status(client, i, connect.timeout_ns, &report);
        answering += answered;
        if (json)
            print_json(i, answered, &report, i == 0);
        else
            print_row(i, answered, &report);
    }
    if (json)
        printf("]\n");
    else
        printf("%u of %u validators answer\n", answering, members);
    synod_client_close(client);
    return answering == members ? EXIT_OK : EXIT_FAILED;
}

const verb_t verb_status = {
    .name = "status",
    .summary = "what every validator says about itself",
    .arguments = "",
    .details =
        "Asks each validator for its view, leader, height and state root. Equal roots at equal\n"
        "heights mean equal states. Exit code 1 when somebody does not answer.",
    .example = "synod status --home ./ledger",
    .run = run,
};
