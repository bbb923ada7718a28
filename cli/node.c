/* synod node: one validator in this process. */
#include "node/node.h"

#include <stdio.h>

#include "cli/verbs.h"

static int run(const verb_t *verb, int argc, char **argv) {
    const char *home = NULL;
    option_t options[] = {
        {"home", OPTION_TEXT, &home, "DIR", "the node's folder (required; see `synod init`)"}, {0}};
    arguments_t arguments;
    int code = options_parse(verb, options, argc, argv, &arguments);
    if (code >= 0)
        return code;
    if (home == NULL || arguments.count > 0)
        return usage_error(verb, "name the node's folder with --home");
    node_options_t wanted = {.home = home, .handle_signals = true, .owns_process = true};
    node_t *node;
    reason_t reason;
    if (node_open(&wanted, &node, &reason) != SYNOD_OK)
        return failed(verb, "%s", reason.text);
    synod_status status = node_run(node, &reason);
    node_close(node);
    return status == SYNOD_OK ? EXIT_OK : failed(verb, "%s", reason.text);
}

const verb_t verb_node = {
    .name = "node",
    .summary = "run one validator",
    .arguments = "",
    .details =
        "Runs the validator whose home is DIR until it gets SIGTERM or SIGINT. Its log goes to\n"
        "standard error, or where the home's config says.",
    .example = "synod node --home ./ledger/node0",
    .run = run,
};
