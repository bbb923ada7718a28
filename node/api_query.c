/* /query: a read of this validator's state with its proof, and who signed the root that the proof
 * is against. One validator may lie: a reader believes the root when f + 1 signatures of it hold,
 * and the answer when the proof does. */
#include <inttypes.h>

#include "app/kv_client.h"
#include "node/api_state.h"

#define KEY_BYTES_MAX 4096

void api_print_hex(FILE *page, const char *name, bytes_t bytes) {
    fprintf(page, ",\"%s\":\"", name);
    for (size_t at = 0; at < bytes.size; at++)
        fprintf(page, "%02x", bytes.data[at]);
    fprintf(page, "\"");
}

static void print_digest(FILE *page, const char *name, const digest_t *digest) {
    api_print_hex(page, name, bytes_of(digest->bytes, sizeof digest->bytes));
}

/* The root's parts and its signatures. */
static void print_root(const node_t *node, const state_root_t *root, FILE *page) {
    uint64_t weight = 0;
    bool first = true;
    fprintf(page, ",\"state\":{\"epoch\":%" PRIu64 ",\"height\":%" PRIu64, root->epoch,
            root->height);
    print_digest(page, "root", &root->root);
    print_digest(page, "application", &root->application);
    print_digest(page, "sessions", &root->sessions);
    print_digest(page, "committee", &root->committee);
    print_digest(page, "order", &root->order);
    fprintf(page, ",\"signatures\":[");
    for (member_t m = 0; m < node->committee.size; m++) {
        signature_t signature;
        if (!replica_root_signed(node->replica, m, &signature))
            continue;
        fprintf(page, "%s{\"member\":%u", first ? "" : ",", m);
        api_print_hex(page, "signature", bytes_of(signature.bytes, sizeof signature.bytes));
        fprintf(page, "}");
        weight += committee_weight(&node->committee, m);
        first = false;
    }
    fprintf(page, "],\"attested\":%s}",
            weight >= quorum_weight(&node->committee, QUORUM_ONE_HONEST) ? "true" : "false");
}

/* What the reply of a get means; nothing for other applications. */
static void print_value(FILE *page, bytes_t reply) {
    kv_maybe_t value;
    if (!kv_read_get(reply, &value))
        return;
    fprintf(page, ",\"present\":%s", value.present ? "true" : "false");
    if (value.present)
        api_print_hex(page, "value", value.value);
}

/* The query of ?key=KEY, an entry of kv. False: there is none. */
static bool read_query(const http_request_t *request, writer_t *query) {
    uint8_t key[KEY_BYTES_MAX];
    size_t size = 0;
    if (!http_query_value(request->query, "key", key, sizeof key, &size))
        return false;
    kv_encode_get(query, bytes_of(key, size));
    return !query->failed;
}

unsigned api_answer_query(api_t *api, const api_call_t *call, FILE *page) {
    uint8_t room[KEY_BYTES_MAX + 64];
    writer_t query = writer_of(room, sizeof room);
    query_reply_t answer;
    state_root_t root;
    if (strcmp(api->node->home.genesis.app.text, "kv") != 0)
        return api_print_error(page, 404, "only the application kv can be read here");
    if (!read_query(call->request, &query))
        return api_print_error(page, 400, "ask for one key: /query?key=KEY");
    if (!replica_root(api->node->replica, &root))
        return api_print_error(
            page, 503, "the state has changed since its last root: ask again when writes pause");
    if (!replica_query(api->node->replica, writer_bytes(&query), true, &answer))
        return api_print_error(page, 503, "this validator does not run yet, or has halted");
    if (answer.status != SYNOD_OK)
        return api_print_error(page, 400, synod_status_text(answer.status));
    fprintf(page, "{\"height\":%" PRIu64, answer.height);
    print_value(page, answer.reply);
    api_print_hex(page, "query", writer_bytes(&query));
    api_print_hex(page, "reply", answer.reply);
    api_print_hex(page, "proof", answer.proof);
    print_root(api->node, &root, page);
    fprintf(page, "}\n");
    return 200;
}
