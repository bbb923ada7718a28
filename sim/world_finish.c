/* Judgement at the end of a run in which everything was answered: every counter stands where the
 * requests put it, on every honest member, and all state roots are equal. */
#include <stdio.h>

#include "app/kv_client.h"
#include "sim/world_state.h"

typedef struct room {
    uint8_t bytes[64];
    size_t used;
} room_t;

static bool put(void *context, synod_bytes bytes) {
    room_t *room = context;
    if (bytes.size > sizeof room->bytes - room->used)
        return false;
    memcpy(room->bytes + room->used, bytes.data, bytes.size);
    room->used += bytes.size;
    return true;
}

/* The number under a key at one member; 0 when there is none. */
static uint64_t number_at(node_t *node, const char *key, size_t length) {
    uint8_t query_room[64];
    writer_t writer = writer_of(query_room, sizeof query_room);
    kv_encode_get(&writer, bytes_of(key, length));
    room_t reply = {.used = 0}, proof = {.used = 0};
    synod_writer to_reply = {put, &reply, sizeof reply.bytes};
    synod_writer to_proof = {put, &proof, sizeof proof.bytes};
    kv_maybe_t value = {0};
    ledger_t *ledger = (ledger_t *)(uintptr_t)replica_ledger(node->replica);
    if (ledger_query(ledger, writer_bytes(&writer), false, &to_reply, &to_proof) != SYNOD_OK ||
        !kv_read_get(bytes_of(reply.bytes, reply.used), &value) || !value.present ||
        value.value.size != KV_NUMBER_BYTES)
        return 0;
    return load_u64(value.value.data);
}

/* How often a counter was raised: at least, and at most, where nobody knows whether it ran. */
typedef struct span {
    uint64_t least, most;
} span_t;

static span_t count_kind(const sim_client_t *client, uint64_t kind) {
    span_t span = {0, 0};
    for (uint32_t i = 0; i < client->count; i++) {
        const sim_request_t *request = &client->requests[i];
        if (request->kind != kind)
            continue;
        bool ran = request->status == SYNOD_OK || request->height > 0 || request->honest != 0;
        span.least += ran;
        span.most += ran || request->status == SYNOD_UNKNOWN;
    }
    return span;
}

static bool outside(uint64_t number, span_t span) {
    return number < span.least || number > span.most;
}

static void judge_counters(world_t *w, node_t *node) {
    span_t shared = {0, 0};
    char key[32];
    for (uint32_t c = 0; c < w->options.clients; c++) {
        const sim_client_t *client = &w->clients[c];
        int length = snprintf(key, sizeof key, "own%u", c);
        span_t own = count_kind(client, KIND_OWN), more = count_kind(client, KIND_SHARED);
        shared = (span_t){shared.least + more.least, shared.most + more.most};
        uint64_t stands = number_at(node, key, (size_t)length);
        if (outside(stands, own))
            violate(w, VIOLATION_ONCE,
                    "member %u: %llu to %llu increments of client %u ran, the counter is %llu",
                    node->member, (unsigned long long)own.least, (unsigned long long)own.most, c,
                    (unsigned long long)stands);
    }
    uint64_t stands = number_at(node, "shared", 6);
    if (outside(stands, shared))
        violate(w, VIOLATION_ONCE, "member %u: the shared counter is %llu, not %llu to %llu",
                node->member, (unsigned long long)stands, (unsigned long long)shared.least,
                (unsigned long long)shared.most);
}

digest_t world_root(world_t *w, member_t member) {
    digest_t none = {{0}};
    node_t *node = &w->nodes[member];
    if (!node->up)
        return none;
    ledger_t *ledger = (ledger_t *)(uintptr_t)replica_ledger(node->replica);
    return ledger_root(ledger, &none, (bytes_t){0}, NULL);
}

bool world_roots_equal(world_t *w) {
    digest_t first = {{0}};
    height_t height = 0;
    bool any = false;
    for (member_t m = 0; m < w->options.members; m++) {
        if (!world_is_honest(w, m) || !world_up(w, m))
            continue;
        digest_t root = world_root(w, m);
        if (any && (world_height(w, m) != height || !digest_equal(&root, &first)))
            return false;
        first = root;
        height = world_height(w, m);
        any = true;
    }
    return any;
}

void oracle_finish(world_t *w) {
    for (member_t m = 0; m < w->options.members; m++)
        if (world_is_honest(w, m) && world_up(w, m) && w->options.requests > 0)
            judge_counters(w, &w->nodes[m]);
    if (!world_roots_equal(w))
        violate(w, VIOLATION_ROOT, "the state roots of honest members differ at the end");
    for (uint32_t c = 0; c < w->options.clients; c++) {
        answers_finish(&w->clients[c]);
        for (uint32_t i = 0; i < w->clients[c].count; i++)
            if (w->clients[c].requests[i].height > w->heights_known)
                violate(w, VIOLATION_LOST, "client %u was told of height %llu, which nobody has", c,
                        (unsigned long long)w->clients[c].requests[i].height);
    }
}
