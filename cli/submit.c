/* synod submit, synod query: one operation, ordered or read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/connect.h"
#include "cli/kv_words.h"
#include "cli/verbs.h"

#define ANSWER_BYTES (2u << 20)

typedef struct answer {
    uint8_t *bytes;
    size_t size;
    synod_status status;
    uint64_t height;
    synod_digest root;
} answer_t;

static void on_done(void *context, const synod_client_result *result) {
    answer_t *answer = context;
    if (result->late)
        return;
    answer->status = result->status;
    answer->height = result->height;
    answer->root = result->root;
    answer->size = result->result.size < ANSWER_BYTES ? result->result.size : ANSWER_BYTES;
    if (answer->size > 0)
        memcpy(answer->bytes, result->result.data, answer->size);
}

static const char *outcome_text(synod_status status) {
    switch (status) {
    case SYNOD_UNKNOWN:
        return "no answer of f+1 validators in time: it may or may not have run (synod status "
               "shows "
               "who is there)";
    case SYNOD_BUSY:
        return "the validators are busy; nothing happened, try again";
    case SYNOD_NO_QUORUM:
        return "the validators do not agree on a read just now (try again, or use submit)";
    case SYNOD_STALE:
        return "the state has changed since its last root; a proof is to be had when writes pause";
    default:
        return synod_status_text(status);
    }
}

typedef struct ask {
    bool ordered, prove, json;
} ask_t;

static int report(const verb_t *verb, const ask_t *ask, const char *const *words,
                  const answer_t *answer) {
    if (answer->status != SYNOD_OK && answer->status != SYNOD_APP_ERROR)
        return failed(verb, "%s", outcome_text(answer->status));
    bool good = kv_words_print(stdout, words, bytes_of(answer->bytes, answer->size), ask->json);
    if (ask->prove && !ask->json && answer->status == SYNOD_OK) { /* a refusal has no proof */
        printf("proved at height %llu against root ", (unsigned long long)answer->height);
        for (size_t i = 0; i < sizeof answer->root.bytes; i++)
            printf("%02x", answer->root.bytes[i]);
        printf("\n");
    }
    return good ? EXIT_OK : EXIT_FAILED;
}

static int ask_chain(const verb_t *verb, const connect_options_t *connect, const ask_t *ask,
                     const arguments_t *arguments) {
    static uint8_t operation[1u << 20];
    writer_t writer = writer_of(operation, sizeof operation);
    const char *wrong = kv_words_encode(arguments->positional, arguments->count, &writer);
    if (wrong != NULL)
        return usage_error(verb, "%s", wrong);
    if (!ask->ordered && !kv_words_is_read(arguments->positional, arguments->count))
        return usage_error(verb,
                           "only get and scan are reads; use `synod submit` to change things");
    synod_client *client;
    int code = connect_open(verb, connect, NULL, &client);
    if (code >= 0)
        return code;
    answer_t answer = {.bytes = malloc(ANSWER_BYTES), .status = SYNOD_UNKNOWN};
    if (answer.bytes == NULL)
        return failed(verb, "out of memory");
    synod_status status =
        ask->ordered
            ? synod_client_submit(client, writer_bytes(&writer), on_done, &answer)
            : synod_client_query(client, writer_bytes(&writer), ask->prove, on_done, &answer);
    if (status == SYNOD_OK) {
        synod_client_flush(client);
        (void)synod_client_wait(client, connect->timeout_ns + UINT64_C(1000000000));
    } else {
        answer.status = status;
    }
    size_t most = synod_client_operation_bytes_max(client);
    synod_client_close(client);
    if (ask->ordered && status == SYNOD_TOO_LARGE)
        code = failed(verb, "the operation has %zu bytes, this chain takes at most %zu", writer.at,
                      most);
    else
        code = report(verb, ask, arguments->positional, &answer);
    free(answer.bytes);
    return code;
}

static int run_submit(const verb_t *verb, int argc, char **argv) {
    ask_t ask = {.ordered = true};
    connect_options_t connect;
    option_t options[8] = {{"json", OPTION_FLAG, &ask.json, NULL, "print JSON"}};
    connect_option_table(&connect, options, 1);
    arguments_t arguments;
    int code = options_parse(verb, options, argc, argv, &arguments);
    return code >= 0 ? code : ask_chain(verb, &connect, &ask, &arguments);
}

const verb_t verb_submit = {
    .name = "submit",
    .summary = "order one operation and print its result, confirmed by f+1 validators",
    .arguments = "OPERATION...",
    .details = "Orders an operation of the application kv:\n"
               "  set KEY VALUE | delete KEY | increment KEY [DELTA] | cas KEY OLD NEW |\n"
               "  create KEY VALUE | get KEY | scan PREFIX [COUNT]\n"
               "Exit code 1 when it was refused or nobody can tell in time.",
    .example = "synod submit --home ./ledger set greeting \"hello, world\"",
    .run = run_submit,
};

static int run_query(const verb_t *verb, int argc, char **argv) {
    ask_t ask = {0};
    connect_options_t connect;
    option_t options[8] = {
        {"json", OPTION_FLAG, &ask.json, NULL, "print JSON"},
        {"prove", OPTION_FLAG, &ask.prove, NULL, "check a proof against the state root of f+1"}};
    connect_option_table(&connect, options, 2);
    arguments_t arguments;
    int code = options_parse(verb, options, argc, argv, &arguments);
    return code >= 0 ? code : ask_chain(verb, &connect, &ask, &arguments);
}

const verb_t verb_query = {
    .name = "query",
    .summary = "read without ordering: equal answers of f+1 validators, with a proof if asked",
    .arguments = "get KEY | scan PREFIX [COUNT]",
    .details = "Reads from the validators' state. The answer is one that f+1 of them give alike; "
               "it may be\n"
               "older than the newest write (order a get with `synod submit` if that matters).",
    .example = "synod query --home ./ledger get greeting --prove",
    .run = run_query,
};
