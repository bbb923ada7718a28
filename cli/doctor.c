/* synod doctor: what is wrong with a chain, in plain words, with figures and what to do. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapter/home.h"
#include "cli/doctor_judge.h"
#include "cli/verbs.h"
#include "node/client_look.h"

#define FIRST_LOOK_NS UINT64_C(1000000000)
/* Nobody is waited for longer than this in a round: what takes longer is slow anyway. */
#define ROUND_NS UINT64_C(500000000)

/* ---- homes on this machine ---- */

static bool same_chain(const genesis_t *a, const genesis_t *b) {
    return memcmp(&a->domain, &b->domain, sizeof a->domain) == 0;
}

/* What is wrong with the files of a member whose home is DIR/nodeI; nothing when they are not ours
 * to read. */
static void look_at_home(const char *folder, uint32_t member, const genesis_t *genesis,
                         doctor_home_t *found) {
    file_path_t path, key;
    home_t home;
    reason_t reason;
    *found = (doctor_home_t){0};
    if (testnet_home(folder, member, &path, &reason) != SYNOD_OK ||
        file_join(&key, path.text, "node_key", &reason) != SYNOD_OK || access(key.text, R_OK) != 0)
        return;
    found->here = true;
    if (home_read(path.text, &home, &reason) != SYNOD_OK) {
        snprintf(found->wrong, sizeof found->wrong, "%.380s", reason.text);
        return;
    }
    if (!same_chain(&home.genesis, genesis))
        snprintf(found->wrong, sizeof found->wrong,
                 "%.300s/genesis.json is of another chain than that of most", path.text);
    else if (home.self != member)
        snprintf(found->wrong, sizeof found->wrong, "%.300s/node_key is the key of member %u",
                 path.text, (unsigned)home.self);
    home_free(&home);
}

static doctor_home_t *look_at_homes(const char *folder, const genesis_t *genesis) {
    doctor_home_t *homes = folder == NULL ? NULL : calloc(genesis->member_count, sizeof *homes);
    for (uint32_t m = 0; homes != NULL && m < genesis->member_count; m++)
        look_at_home(folder, m, genesis, &homes[m]);
    return homes;
}

/* ---- looking ---- */

/* The first question is not counted: connections come up with it. */
static bool look(synod_client *client, survey_t rounds[DOCTOR_ROUNDS], uint64_t time_ns) {
    bool good = true;
    for (uint32_t round = 0; round < DOCTOR_ROUNDS; round++)
        good = survey_open(&rounds[round], client) && good;
    if (!good)
        return false;
    survey_take(&rounds[0], client, FIRST_LOOK_NS, FIRST_LOOK_NS);
    uint64_t pause_ns = time_ns / DOCTOR_ROUNDS;
    for (uint32_t round = 0; round < DOCTOR_ROUNDS; round++) {
        uint64_t next_ns = monotonic_ns() + pause_ns;
        survey_take(&rounds[round], client, pause_ns > ROUND_NS ? pause_ns : ROUND_NS, 0);
        while (monotonic_ns() < next_ns) {
            struct timespec pause = {0, 10000000};
            nanosleep(&pause, NULL);
        }
    }
    return true;
}

/* ---- telling ---- */

static void print_json_text(const char *text) {
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        putchar((unsigned char)*text < ' ' ? ' ' : *text);
    }
    putchar('"');
}

static void tell_json(const findings_t *findings) {
    printf("{\"healthy\":%s,\"findings\":[", findings->count == 0 ? "true" : "false");
    for (uint32_t i = 0; i < findings->count && i < FINDINGS_MAX; i++) {
        const finding_t *finding = &findings->items[i];
        printf("%s{", i == 0 ? "" : ",");
        if (finding->member != MEMBER_NONE)
            printf("\"member\":%u,", (unsigned)finding->member);
        printf("\"what\":");
        print_json_text(finding->what);
        printf(",\"evidence\":");
        print_json_text(finding->evidence);
        printf(",\"todo\":");
        print_json_text(finding->todo);
        printf("}");
    }
    printf("]}\n");
}

static void tell(const findings_t *findings, const survey_t *last) {
    uint64_t highest = 0;
    for (uint32_t m = 0; m < last->size; m++)
        if (last->rows[m].answered && last->rows[m].report.final > highest)
            highest = last->rows[m].report.final;
    if (findings->count == 0) {
        printf(
            "healthy: %u of %u validators answer, all are connected to each other, height %llu\n",
            last->answering, last->size, (unsigned long long)highest);
        return;
    }
    for (uint32_t i = 0; i < findings->count && i < FINDINGS_MAX; i++) {
        const finding_t *finding = &findings->items[i];
        printf("%s\n  seen:  %s\n  to do: %s\n", finding->what, finding->evidence, finding->todo);
    }
    if (findings->count > FINDINGS_MAX)
        printf("and %u findings more\n", findings->count - FINDINGS_MAX);
    printf("%u finding%s; %u of %u validators answer, height %llu\n", findings->count,
           findings->count == 1 ? "" : "s", last->answering, last->size,
           (unsigned long long)highest);
}

static int examine(synod_client *client, const char *folder, uint64_t time_ns, bool json) {
    static survey_t rounds[DOCTOR_ROUNDS];
    static findings_t findings;
    doctor_input_t input = {.genesis = client_genesis(client),
                            .committee = client_committee(client)};
    int code = EXIT_FAILED;
    doctor_home_t *homes = look_at_homes(folder, input.genesis);
    input.homes = homes;
    if (look(client, rounds, time_ns)) {
        for (uint32_t round = 0; round < DOCTOR_ROUNDS; round++)
            input.rounds[round] = &rounds[round];
        doctor_judge(&input, &findings);
        if (json)
            tell_json(&findings);
        else
            tell(&findings, &rounds[DOCTOR_ROUNDS - 1]);
        code = findings.count == 0 ? EXIT_OK : EXIT_FAILED;
    }
    for (uint32_t round = 0; round < DOCTOR_ROUNDS; round++)
        survey_close(&rounds[round]);
    free(homes);
    return code;
}

static int run(const verb_t *verb, int argc, char **argv) {
    bool json = false;
    uint64_t time_ns = UINT64_C(2000000000);
    connect_options_t connect;
    option_t options[8] = {
        {"json", OPTION_FLAG, &json, NULL, "print JSON"},
        {"for", OPTION_DURATION, &time_ns, "TIME", "look for so long (default 2s)"}};
    connect_option_table(&connect, options, 2);
    arguments_t arguments;
    int code = options_parse(verb, options, argc, argv, &arguments);
    if (code >= 0)
        return code;
    synod_client *client;
    code = connect_open(verb, &connect, NULL, &client);
    if (code >= 0)
        return code;
    code = examine(client, connect.home, time_ns, json);
    synod_client_close(client);
    return code;
}

const verb_t verb_doctor = {
    .name = "doctor",
    .summary = "what is wrong, in plain words, and what to do",
    .arguments = "",
    .details =
        "Looks at all validators for a while and names who is missing, cut off, slow or\n"
        "misconfigured, with the figures that show it; also at homes on this machine, if they may\n"
        "be read. Exit code 0 and \"healthy\" when nothing is wrong, else 1.",
    .example = "synod doctor --home ./ledger",
    .run = run,
};
