/* synod sim: the deterministic simulator around the whole replica. */
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"
#include "sim/sim_cli.h"

static int run(const verb_t *verb, int argc, char **argv) {
    if (argc > 0 && strcmp(argv[0], "run") == 0)
        return sim_cli_run(argc, argv);
    if (argc > 0 && strcmp(argv[0], "sweep") == 0)
        return sim_cli_sweep(argc, argv);
    if (argc > 0 && strcmp(argv[0], "--help") != 0 && strcmp(argv[0], "-h") != 0)
        return usage_error(verb, "\"%s\" is neither run nor sweep", argv[0]);
    printf("synod sim run FILE | sweep [options]\n\n%s\n\nexamples:\n  %s\n"
           "  synod sim run tests/scenario/leader_crash.lua\n\n"
           "Both explain themselves: synod sim run --help, synod sim sweep --help\n",
           verb->details, verb->example);
    return EXIT_OK;
}

const verb_t verb_sim = {
    .name = "sim",
    .summary = "the simulator: one scenario, or a sweep over many seeds",
    .arguments = "run FILE | sweep",
    .details =
        "Runs whole replicas on a simulated network, disks and clocks, attacks them, and checks\n"
        "agreement, exactly-once, equal roots and progress. A failing seed prints the one command\n"
        "that repeats it.",
    .example = "synod sim sweep --seeds 1000",
    .run = run,
};
