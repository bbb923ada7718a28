/* synod up: n validators on this machine, ready to take requests, until it is interrupted. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapter/settings.h"
#include "cli/cluster.h"
#include "cli/local.h"
#include "cli/verbs.h"

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
    (void)number;
    interrupted = 1;
}

/* Where the first validator's HTTP API is; the others are in their configurations. */
static void tell_http(const cluster_t *cluster) {
    char path[4096], address[ADDRESS_TEXT_MAX];
    settings_t settings;
    reason_t reason;
    cluster_path(cluster, 0, "config", path, sizeof path);
    if (settings_read(path, &settings, &reason) != SYNOD_OK || settings.http_listen.host[0] == '\0')
        return;
    address_print(&settings.http_listen, address);
    printf("  http://%s/  for browsers and Prometheus, and at the next ports\n", address);
}

static int run(const verb_t *verb, int argc, char **argv) {
    local_options_t local;
    option_t options[16];
    local_option_table(&local, options, 0);
    arguments_t arguments;
    int code = options_parse(verb, options, argc, argv, &arguments);
    if (code >= 0)
        return code;
    if (local.home == NULL || arguments.count > 0)
        return usage_error(verb, "name a folder with --home; it is made if it is not there");
    cluster_t cluster;
    code = local_prepare(verb, &local, &cluster);
    if (code >= 0)
        return code;
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    synod_client *client = NULL;
    code = local_start(verb, &cluster, &client);
    if (code >= 0)
        return code;
    synod_client_close(client);
    printf("%u validators are ready, logs in %s/node*/log; Ctrl-C ends them\n"
           "  synod submit --home %s set greeting \"hello, world\"\n"
           "  synod query  --home %s get greeting\n"
           "  synod status --home %s\n",
           cluster.size, local.home, local.home, local.home, local.home);
    tell_http(&cluster);
    fflush(stdout);
    while (!interrupted) {
        char reason[1024];
        struct timespec pause = {0, 200000000};
        nanosleep(&pause, NULL);
        int ended = cluster_check(&cluster, reason, sizeof reason);
        if (ended >= 0) /* the others go on: that is the point; say so */
            fprintf(stderr, "synod up: validator %d ended: %s\n", ended, reason);
    }
    printf("stopping\n");
    return cluster_stop(&cluster, 5000) == 0 ? EXIT_OK
                                             : failed(verb, "some validators had to be killed");
}

const verb_t verb_up = {
    .name = "up",
    .summary = "n validators on this machine as real processes",
    .arguments = "",
    .details =
        "Makes a chain in DIR if there is none, and runs all of its validators here, each a "
        "process\n"
        "of its own, connected by mutual TLS. Run it again on the same DIR to go on where it was.",
    .example = "synod up --home ./ledger --n 4",
    .run = run,
};
