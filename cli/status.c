/* synod status: what every validator of a chain says about itself, once or again and again. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapter/status_text.h"
#include "cli/screen.h"
#include "cli/survey.h"
#include "cli/verbs.h"

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
    (void)number;
    interrupted = 1;
}

/* ---- once ---- */

/* Behind what else is in its row: for who counts votes. */
static const char *mute_text(const status_report_t *r) {
    return r->mute ? ", does not vote" : "";
}

static void print_row(FILE *to, const survey_row_t *row) {
    const status_report_t *r = &row->report;
    if (!row->answered) {
        fprintf(to, "%6u  does not answer%s%s\n", row->member, row->trouble[0] == '\0' ? "" : ": ",
                row->trouble);
        return;
    }
    char leader[12] = "-", journal[32];
    if (r->leader != MEMBER_NONE)
        snprintf(leader, sizeof leader, "%u", r->leader);
    snprintf(journal, sizeof journal, "%.1f/%.0f", (double)r->journal_used_bytes / (1 << 20),
             (double)r->journal_capacity_bytes / (1 << 20));
    fprintf(to,
            "%6u  %6s  %9llu  %9llu  %10llu  %7llu  %9llu  %02x%02x%02x%02x  %9llu  %11s  %5llu  "
            "%s%s\n",
            row->member, leader, (unsigned long long)r->final, (unsigned long long)r->executed,
            (unsigned long long)r->operations_executed, (unsigned long long)r->pending_requests,
            (unsigned long long)r->root_height, r->root.bytes[0], r->root.bytes[1],
            r->root.bytes[2], r->root.bytes[3], (unsigned long long)r->snapshot_height, journal,
            (unsigned long long)r->peers_connected, r->synced ? "yes" : "no", mute_text(r));
}

static void print_json_rows(FILE *to, const survey_t *survey) {
    fprintf(to, "[");
    for (uint32_t i = 0; i < survey->size; i++) {
        const survey_row_t *row = &survey->rows[i];
        fprintf(to, "%s{", i == 0 ? "" : ",");
        if (row->answered)
            status_print_json(to, &row->report);
        else
            fprintf(to, "\"member\":%u", row->member);
        fprintf(to, ",\"answers\":%s}", row->answered ? "true" : "false");
    }
    fprintf(to, "]");
}

static int show_once(const survey_t *survey, bool json) {
    if (json) {
        print_json_rows(stdout, survey);
        printf("\n");
    } else {
        printf("%6s  %6s  %9s  %9s  %10s  %7s  %9s  %8s  %9s  %11s  %5s  %s\n", "member", "leader",
               "final", "executed", "operations", "pending", "root at", "root", "snapshot",
               "journal MiB", "peers", "synced");
        for (uint32_t i = 0; i < survey->size; i++)
            print_row(stdout, &survey->rows[i]);
        printf("%u of %u validators answer\n", survey->answering, survey->size);
    }
    return survey->answering == survey->size ? EXIT_OK : EXIT_FAILED;
}

/* ---- again and again ---- */

static uint64_t highest_final(const survey_t *survey) {
    uint64_t highest = 0;
    for (uint32_t i = 0; i < survey->size; i++)
        if (survey->rows[i].answered && survey->rows[i].report.final > highest)
            highest = survey->rows[i].report.final;
    return highest;
}

/* What changed the view last, and how long ago. */
static void print_change(char *to, size_t size, const status_report_t *r) {
    if (r->view_changed_by == VIEW_CAUSE_NONE)
        snprintf(to, size, "none");
    else
        snprintf(to, size, "%s %.0fs ago", status_view_cause(r->view_changed_by),
                 (double)r->view_changed_ns / 1e9);
}

static void print_live_row(FILE *to, const survey_row_t *now, const survey_row_t *before,
                           uint64_t highest, double seconds) {
    const status_report_t *r = &now->report;
    if (!now->answered) {
        fprintf(to, "%6u  does not answer%s%s\n", now->member, now->trouble[0] == '\0' ? "" : ": ",
                now->trouble);
        return;
    }
    char leader[12] = "-", change[64], rate[24] = "-";
    if (r->leader != MEMBER_NONE)
        snprintf(leader, sizeof leader, "%u", r->leader);
    if (before->answered && seconds > 0 && r->requests_executed >= before->report.requests_executed)
        snprintf(rate, sizeof rate, "%.0f",
                 (double)(r->requests_executed - before->report.requests_executed) / seconds);
    print_change(change, sizeof change, r);
    fprintf(to, "%6u  %9llu  %9llu  %6s  %6llu  %5llu  %7llu  %5.1f%%  %10s  %s%s\n", now->member,
            (unsigned long long)r->final, (unsigned long long)r->view, leader,
            (unsigned long long)(highest > r->executed ? highest - r->executed : 0),
            (unsigned long long)r->peers_connected, (unsigned long long)r->pending_requests,
            100.0 * (double)r->journal_used_bytes /
                (double)(r->journal_capacity_bytes > 0 ? r->journal_capacity_bytes : 1),
            rate, change, mute_text(r));
}

static void print_live(FILE *to, const survey_t *now, const survey_t *before) {
    char clock[32] = "";
    time_t wall = time(NULL);
    struct tm broken;
    uint64_t highest = highest_final(now);
    double seconds = before->at_ns == 0 ? 0 : (double)(now->at_ns - before->at_ns) / 1e9;
    if (localtime_r(&wall, &broken) != NULL)
        strftime(clock, sizeof clock, "%H:%M:%S", &broken);
    fprintf(to, "%s  %u of %u validators answer, height %llu\n", clock, now->answering, now->size,
            (unsigned long long)highest);
    fprintf(to, "%6s  %9s  %9s  %6s  %6s  %5s  %7s  %6s  %10s  %s\n", "member", "height", "view",
            "leader", "lag", "peers", "queue", "journal", "requests/s", "last view change");
    for (uint32_t i = 0; i < now->size; i++)
        print_live_row(to, &now->rows[i], &before->rows[i], highest, seconds);
}

/* Until it is interrupted, or `rounds` are over; 0: no such end. */
static int watch(synod_client *client, uint64_t interval_ns, uint64_t rounds, bool json) {
    survey_t surveys[2];
    screen_t screen;
    if (!survey_open(&surveys[0], client) || !survey_open(&surveys[1], client))
        return EXIT_FAILED;
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    screen_open(&screen, !json);
    survey_t *now = &surveys[0], *before = &surveys[1];
    for (uint64_t round = 0; !interrupted && (rounds == 0 || round < rounds); round++) {
        uint64_t next_ns = monotonic_ns() + interval_ns;
        survey_take(now, client, interval_ns, interval_ns);
        FILE *page = screen_begin(&screen);
        if (page == NULL)
            break;
        if (json)
            print_json_rows(page, now);
        else
            print_live(page, now, before);
        screen_end(&screen);
        survey_t *older = before;
        before = now;
        now = older;
        while (!interrupted && monotonic_ns() < next_ns && round + 1 != rounds) {
            struct timespec pause = {0, 20000000};
            nanosleep(&pause, NULL);
        }
    }
    screen_close(&screen);
    survey_close(&surveys[0]);
    survey_close(&surveys[1]);
    return EXIT_OK;
}

static int run(const verb_t *verb, int argc, char **argv) {
    bool json = false, again = false;
    uint64_t interval_ns = UINT64_C(1000000000), rounds = 0;
    connect_options_t connect;
    option_t options[12] = {
        {"json", OPTION_FLAG, &json, NULL, "print JSON; with --watch one array a line"},
        {"watch", OPTION_FLAG, &again, NULL, "a live table, until Ctrl-C"},
        {"interval", OPTION_DURATION, &interval_ns, "TIME", "of --watch (default 1s)"},
        {"rounds", OPTION_NUMBER, &rounds, "N", "end --watch after so many (default 0: never)"}};
    connect_option_table(&connect, options, 4);
    connect.timeout_ns = UINT64_C(2000000000);
    arguments_t arguments;
    int code = options_parse(verb, options, argc, argv, &arguments);
    if (code >= 0)
        return code;
    if (interval_ns < 50000000)
        return usage_error(verb, "--interval: at least 50ms");
    synod_client *client;
    code = connect_open(verb, &connect, NULL, &client);
    if (code >= 0)
        return code;
    if (again) {
        code = watch(client, interval_ns, rounds, json);
    } else {
        survey_t survey;
        code = EXIT_FAILED;
        if (survey_open(&survey, client)) {
            survey_take(&survey, client, connect.timeout_ns, connect.timeout_ns);
            code = show_once(&survey, json);
            survey_close(&survey);
        }
    }
    synod_client_close(client);
    return code;
}

const verb_t verb_status = {
    .name = "status",
    .summary = "what every validator says about itself; --watch: live",
    .arguments = "",
    .details =
        "Asks each validator for its view, leader, height and state root. Equal roots at equal\n"
        "heights mean equal states. Exit code 1 when somebody does not answer.\n"
        "--watch shows who leads, who lags and what changed the view last: in place on a "
        "terminal,\n"
        "one table after the other elsewhere.",
    .example = "synod status --home ./ledger --watch",
    .run = run,
};
