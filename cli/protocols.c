/* synod protocols: what this build has, what each assumes, tolerates and costs. */
#include <stdio.h>

#include <string.h>

#include "cli/proof_status.h"
#include "cli/verbs.h"
#include "protocol/registry.h"

static const char *finality_text(finality_t finality) {
    switch (finality) {
    case FINALITY_DETERMINISTIC:
        return "deterministic";
    case FINALITY_ACCOUNTABLE:
        return "accountable: a fork names f+1 members that lied";
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

static void print_json(const protocol_t *protocol, bool first) {
    printf("%s{\"name\":\"%s\",\"id\":%u,\"timing\":\"%s\",\"finality\":\"%s\",\"phases\":[",
           first ? "" : ",", protocol->name, protocol->id, timing_text(protocol),
           finality_text(protocol->finality));
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

static int run(const verb_t *verb, int argc, char **argv) {
    bool json = false;
    option_t options[] = {{"json", OPTION_FLAG, &json, NULL, "print JSON"}, {0}};
    arguments_t arguments;
    int code = options_parse(verb, options, argc, argv, &arguments);
    if (code >= 0)
        return code;
    if (arguments.count > 0)
        return usage_error(verb, "takes no arguments");
    if (json)
        printf("[");
    for (const protocol_t *const *at = protocol_all(); *at != NULL; at++) {
        if (json)
            print_json(*at, at == protocol_all());
        else
            print_text(*at);
    }
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
        "kind of finality, and what make proof found for them (docs/proof/results.json).",
    .example = "synod protocols --json",
    .run = run,
};
