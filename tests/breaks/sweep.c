/* Runs seeds of the bare sweep: what tests/scenario/breaks_test.sh links with a broken core, and
 * what shows a red seed of the property test. Usage: sweep FIRST LAST [MODE] quick            stop
 * at the first red seed (the default) until ORACLE|... stop at the first seed that one of these
 * oracles turned red all              go on, print every red seed play             print every
 * event beyond           f + 1 liars, stop at the first red seed beyond-all       the same, go on
 * Exit 0: none was red (or none in the wanted way); 1: red; 2: usage. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/bare.h"

static void print_line(void *context, const char *text) {
    (void)context;
    puts(text);
}

static void print_options(const bare_options_t *options) {
    printf("members %u leader_views %" PRIu64 " requests %u gst %.1f ms liars", options->members,
           options->parameters.leader_views, options->requests, (double)options->gst_ns / 1e6);
    for (member_t m = 0; m < options->members; m++)
        if (options->behaviours[m] != 0)
            printf(" %c:%x", (char)('A' + m), options->behaviours[m]);
    printf("\n");
}

/* Is `name` one of the names in `list`, which are separated by bars? */
static bool named(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; at != NULL; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, name, length) == 0 && (at[length] == '|' || at[length] == '\0'))
            return true;
    }
    return false;
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 2;
    uint64_t first = strtoull(argv[1], NULL, 10), last = strtoull(argv[2], NULL, 10);
    const char *mode = argc > 3 ? argv[3] : "quick";
    if (strcmp(mode, "until") == 0 && argc < 5)
        return 2;
    uint64_t red = 0, vacuous = 0, slowest = 0, events = 0;
    for (uint64_t seed = first; seed <= last; seed++) {
        bare_options_t options =
            strncmp(mode, "beyond", 6) == 0 ? bare_options_beyond(seed) : bare_options_of(seed);
        if (strcmp(mode, "play") == 0) {
            options.line = print_line;
            print_options(&options);
        }
        bare_report_t report;
        bare_run(&options, &report);
        vacuous += report.vacuous;
        events += report.events;
        slowest = report.heal_timeouts > slowest ? report.heal_timeouts : slowest;
        if (report.violated == ORACLE_NONE)
            continue;
        red++;
        print_options(&options);
        printf("RED %s %s\n", bare_oracle_name(report.violated), report.text);
        bool on = strcmp(mode, "all") == 0 || strcmp(mode, "beyond-all") == 0;
        if (strcmp(mode, "until") == 0)
            on = !named(argv[4], bare_oracle_name(report.violated));
        if (!on)
            return 1;
    }
    printf("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " red, %" PRIu64 " vacuous, %" PRIu64
           " events, slowest %" PRIu64 " base time-outs after healing\n",
           first, last, red, vacuous, events, slowest);
    return red == 0 || strcmp(mode, "until") == 0 ? 0 : 1;
}
