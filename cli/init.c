/* synod init, synod testnet: homes with keys, genesis and configuration. */
#include <stdio.h>
#include <string.h>

#include "adapter/home.h"
#include "cli/plan.h"
#include "cli/verbs.h"

#define VALIDATORS_MAX 200

/* An application that is not built in comes with the program that embeds its validators. */
static bool embedded(const home_plan_t *made) {
    return synod_app_find(made->app) == NULL;
}

static void tell_embedded(const home_plan_t *made) {
    printf(
        "  the application \"%s\" is not built in: open each home with the program that embeds it "
        "(synod/engine.h)\n",
        made->app);
}

static void tell_one(const char *home, const home_plan_t *made) {
    printf("%s: a chain \"%s\" of one member, listening on %s:%u\n", home, made->chain, made->host,
           (unsigned)made->port);
    if (embedded(made))
        tell_embedded(made);
    else
        printf("  run it with: synod node --home %s\n", home);
}

static void tell_many(const char *home, const home_plan_t *made, uint64_t count) {
    printf("%s: homes of %llu validators, node0 to node%llu, ports %u to %u\n", home,
           (unsigned long long)count, (unsigned long long)count - 1, (unsigned)made->port,
           (unsigned)(made->port + count - 1));
    if (embedded(made))
        tell_embedded(made);
    else
        printf("  all of them here:  synod up --home %s\n"
               "  one of them:       synod node --home %s/node0\n",
               home, home);
}

/* One home in DIR, or for a test network `count` of them in DIR/node0, DIR/node1, ... */
static int make_homes(const verb_t *verb, int argc, char **argv, bool testnet) {
    plan_options_t plan;
    const char *home = NULL;
    uint64_t count = 4, state_bytes = 0;
    option_t options[16] = {
        {"home", OPTION_TEXT, &home, "DIR", "folder to make (required)"},
        {"state", OPTION_SIZE, &state_bytes, "BYTES",
         "what kv may hold, 192 bytes an entry counted in; 4k to 4096M (default 4096M)"},
        {"n", OPTION_NUMBER, &count, "N", "validators (default 4)"}};
    plan_option_table(&plan, options, testnet ? 3 : 2);
    plan.any_app = true;
    arguments_t arguments;
    int code = options_parse(verb, options, argc, argv, &arguments);
    if (code >= 0)
        return code;
    if (home == NULL || arguments.count > 0)
        return usage_error(verb, "name a folder with --home");
    if (count < 1 || count > VALIDATORS_MAX)
        return usage_error(verb, "--n: from 1 to %d validators", VALIDATORS_MAX);
    home_plan_t wanted;
    code = plan_from_options(verb, &plan, &wanted);
    if (code >= 0)
        return code;
    const synod_app *app = synod_app_find(plan.app);
    if (state_bytes != 0 && app != NULL && app->bound == NULL)
        return usage_error(verb, "--state: %s has no such bound", plan.app);
    wanted.parameters.ledger.state_bytes_max = state_bytes;
    reason_t reason;
    synod_status status = testnet ? testnet_create(home, (uint32_t)count, &wanted, &reason)
                                  : home_create(home, &wanted, &reason);
    if (status != SYNOD_OK)
        return failed(verb, "%s", reason.text);
    if (testnet)
        tell_many(home, &wanted, count);
    else
        tell_one(home, &wanted);
    return EXIT_OK;
}

static int run_init(const verb_t *verb, int argc, char **argv) {
    return make_homes(verb, argc, argv, false);
}

const verb_t verb_init = {
    .name = "init",
    .summary = "keys, genesis and configuration for one node",
    .arguments = "",
    .details =
        "Makes a home folder: node_key (keep it secret, and never run two nodes on copies of it),\n"
        "genesis.json, config and data/. The chain has this one member; for more, see testnet.\n"
        "An application that is not built in (--app) is run by the program that embeds it.",
    .example = "synod init --home ./node",
    .run = run_init,
};

static int run_testnet(const verb_t *verb, int argc, char **argv) {
    return make_homes(verb, argc, argv, true);
}

const verb_t verb_testnet = {
    .name = "testnet",
    .summary = "keys, one genesis and configurations for n nodes",
    .arguments = "",
    .details = "Makes DIR/node0, DIR/node1, ... with one common genesis. Copy each to its machine "
               "and put\n"
               "the addresses into genesis.json (the same file everywhere) before the first start. "
               "An application\n"
               "that is not built in (--app) is run by the program that embeds it.",
    .example = "synod testnet --home ./ledger --n 4",
    .run = run_testnet,
};
