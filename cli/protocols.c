/* synod protocols: what this build has, what each assumes, tolerates and costs. */
#include <stdio.h>

#include <string.h>

#include "cli/costs.h"
#include "cli/proof_status.h"
#include "cli/verbs.h"
#include "protocol/registry.h"

static const char *finality_text(finality_t finality) {
    switch (finality) {
    case FINALITY_DETERMINISTIC:
        return "deterministic";
    case FINALITY_ONE_VIEW:
        return "deterministic; two votes in one view convict";
    case FINALITY_PROBABILISTIC:
        return "probabilistic";
    }
    return "?";
}

static const char *timing_text(const protocol_t *protocol) {
    if (!protocol->uses_monotonic && !protocol->uses_genesis)
        return "asynchronous: no timer at all";
    return protocol->uses_genesis ? "synchronous rounds on an agreed clock"
                                  : "partially synchronous: safe always, live after GST";
}

static const char *proof_text(const protocol_t *protocol) {
    for (const proof_status_t *at = proof_statuses; at->protocol != NULL; at++)
        if (strcmp(at->protocol, protocol->name) == 0)
            return at->text;
    return "nothing is proved yet";
}

static void print_json(const protocol_t *protocol) {
    printf("{\"name\":\"%s\",\"id\":%u,\"timing\":\"%s\",\"finality\":\"%s\",\"phases\":[",
           protocol->name, protocol->id, timing_text(protocol), finality_text(protocol->finality));
    for (uint32_t i = 0; i < protocol->phase_count; i++)
        printf("%s\"%s\"", i == 0 ? "" : ",", protocol->phases[i].name);
    const char *reason;
    bool runs = protocol_judge(protocol, &reason) == SYNOD_OK;
    printf("],\"default\":%s,\"runs\":%s,\"why_not\":\"%s\",\"proof\":\"%s\"}",
           protocol == protocol_find(PROTOCOL_DEFAULT) ? "true" : "false", runs ? "true" : "false",
           runs ? "" : reason, proof_text(protocol));
}

static void print_text(const protocol_t *protocol) {
    printf("%s%s\n", protocol->name,
           protocol == protocol_find(PROTOCOL_DEFAULT) ? "  (default)" : "");
    printf("  timing    %s\n", timing_text(protocol));
    printf("  faults    Byzantine, up to f = floor((n-1)/3)\n");
    printf("  finality  %s\n", finality_text(protocol->finality));
    printf("  messages ");
    for (uint32_t i = 0; i < protocol->phase_count; i++)
        printf(" %s", protocol->phases[i].name);
    const char *reason;
    if (protocol_judge(protocol, &reason) == SYNOD_OK)
        printf("\n  proof     %s\n", proof_text(protocol));
    else
        printf("\n  refused   %s\n", reason);
    printf("  page      docs/protocols/%s.md\n", protocol->name);
}

static void print(const protocol_t *protocol, bool costs, bool json, uint32_t members) {
    if (json && protocol != *protocol_all())
        printf(",");
    if (costs)
        (json ? costs_print_json : costs_print_text)(protocol, members);
    else
        (json ? print_json : print_text)(protocol);
}

static int run(const verb_t *verb, int argc, char **argv) {
    bool json = false, costs = false;
    uint64_t members = 4;
    option_t options[] = {
        {"costs", OPTION_FLAG, &costs, NULL, "messages, signatures and bytes of a block instead"},
        {"n", OPTION_NUMBER, &members, "N", "with --costs: members (default 4)"},
        {"json", OPTION_FLAG, &json, NULL, "print JSON"},
        {0}};
    arguments_t arguments;
    int code = options_parse(verb, options, argc, argv, &arguments);
    if (code >= 0)
        return code;
    if (arguments.count > 0)
        return usage_error(verb, "takes no arguments");
    if (members < 1 || members > 10000)
        return usage_error(verb, "--n: from 1 to 10,000 members");
    if (json)
        printf("[");
    for (const protocol_t *const *at = protocol_all(); *at != NULL; at++)
        print(*at, costs, json, (uint32_t)members);
    if (json)
        printf("]\n");
    return EXIT_OK;
}

const verb_t verb_protocols = {
    .name = "protocols",
    .summary = "what each protocol of this build assumes, tolerates and costs",
    .arguments = "",
    .details =
        "Lists the consensus protocols of this build with their timing model, fault bound and\n"
        "kind of finality, and what make proof found for them (docs/proof/results.json). With\n"
        "--costs: what one block costs, as formulas in n and their values; the simulator counts\n"
        "the same (tests/property/bare_costs_test.c).",
    .example = "synod protocols --costs --n 7",
    .run = run,
};
