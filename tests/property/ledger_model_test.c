/* Random logs against a model without cleverness: arrays, searched from end to end, and results
 * copied. Four ledgers execute each log: one is asked for its root after every block, one now and
 * then, one only at the end, one is saved and loaded on the way. All must answer as the model does
 * (attacks C1, C3, C7, H15), and end in one root and one stream (attack P18). */
#include "tests/unit/ledger_world.h"

#define SEEDS 400
#define BLOCKS 50
#define MODEL_SESSIONS 4
#define MODEL_WINDOW 8
#define MODEL_RESULT_BYTES 256
#define KEYS 6

/* ---- model ---- */

typedef struct model_entry {
    uint64_t sequence, height, order;
    synod_status status;
    bool kept;
    size_t size;
    uint8_t result[MODEL_RESULT_BYTES];
} model_entry_t;

typedef struct model_session {
    uint64_t number, nonce, opened_height, low, used_position, used_time_ns;
    key_public_t key;
    model_entry_t entries[MODEL_WINDOW];
    uint32_t entry_count;
} model_session_t;

typedef enum outcome {
    OPENED,
    OPENED_BEFORE,
    BAD_KEY,
    BUSY,
    EVICTED,
    EXPIRED,
    NEVER,
    OUTSIDE,
    SETTLED,
    RAN_KEPT,
    RAN_FORGOTTEN,
    FRESH_OK,
    FRESH_ERROR,
    CUT,
    PUSHED_OUT,
    NEAR_THE_END,
    OUTCOMES
} outcome_t;

static const char *const outcome_names[OUTCOMES] = {
    "opened",       "opened before", "bad key",    "busy",        "evicted",        "expired",
    "never",        "outside",       "settled",    "ran, kept",   "ran, forgotten", "fresh, ok",
    "fresh, error", "cut",           "pushed out", "near the end"};

typedef struct model {
    ledger_parameters_t parameters;
    model_session_t sessions[MODEL_SESSIONS];
    uint32_t count;
    uint64_t next_number, positions, height, time_ns, requests_executed;
    fold_t fold;
    uint8_t result[LEDGER_REPLY_BYTES_MIN];
    uint8_t number[8];
    uint64_t seen[OUTCOMES];
} model_t;

static model_session_t *model_find(model_t *model, uint64_t number) {
    for (uint32_t i = 0; i < model->count; i++) {
        if (model->sessions[i].number == number) {
            return &model->sessions[i];
        }
    }
    return NULL;
}

static model_session_t *model_find_opened(model_t *model, key_public_t key, uint64_t nonce) {
    for (uint32_t i = 0; i < model->count; i++) {
        model_session_t *session = &model->sessions[i];
        if (memcmp(&session->key, &key, sizeof key) == 0 && session->nonce == nonce) {
            return session;
        }
    }
    return NULL;
}

static model_entry_t *model_entry(model_session_t *session, uint64_t sequence) {
    for (uint32_t i = 0; i < session->entry_count; i++) {
        if (session->entries[i].sequence == sequence) {
            return &session->entries[i];
        }
    }
    return NULL;
}

static model_session_t *model_room(model_t *model) {
    if (model->count < model->parameters.sessions_max) {
        return &model->sessions[model->count++];
    }
    model_session_t *least = &model->sessions[0];
    for (uint32_t i = 1; i < model->count; i++) {
        if (model->sessions[i].used_position < least->used_position) {
            least = &model->sessions[i];
        }
    }
    if (model->time_ns - least->used_time_ns <= model->parameters.session_idle_ns) {
        return NULL;
    }
    model->seen[EVICTED]++;
    return least;
}

static void model_opened(model_t *model, const model_session_t *session, reply_t *reply) {
    store_u64(model->number, session->number);
    reply->status = SYNOD_OK;
    reply->height = session->opened_height;
    reply->result = bytes_of(model->number, 8);
}

static void model_open(model_t *model, const request_t *request, reply_t *reply) {
    key_public_t key;
    request_open_fields(request, &key, &reply->sequence);
    model_session_t *session = model_find_opened(model, key, reply->sequence);
    if (session != NULL) {
        model->seen[OPENED_BEFORE]++;
        model_opened(model, session, reply);
        return;
    }
    if (key.bytes[0] == 0xff) {
        model->seen[BAD_KEY]++;
        reply->status = SYNOD_INVALID;
        return;
    }
    session = model_room(model);
    if (session == NULL) {
        model->seen[BUSY]++;
        reply->status = SYNOD_BUSY;
        return;
    }
    model->seen[OPENED]++;
    *session = (model_session_t){.number = model->next_number++,
                                 .nonce = reply->sequence,
                                 .opened_height = model->height,
                                 .used_position = model->positions,
                                 .used_time_ns = model->time_ns,
                                 .key = key};
    model_opened(model, session, reply);
}

typedef struct model_sink {
    uint8_t *to;
    size_t used, limit;
    bool cut;
} model_sink_t;

static bool model_put(void *context, synod_bytes bytes) {
    model_sink_t *sink = context;
    if (sink->cut || sink->used + bytes.size > sink->limit) {
        sink->cut = true;
        return false;
    }
    memcpy(sink->to + sink->used, bytes.data, bytes.size);
    sink->used += bytes.size;
    return true;
}

static void model_run(model_t *model, const synod_block_info *info, const request_t *request,
                      reply_t *reply) {
    size_t at = 0, used = 0, left = request->operation_count;
    bytes_t operation;
    while (request_operation(request, &at, &operation)) {
        left--;
        model_sink_t sink = {.to = model->result + used + 5,
                             .limit = sizeof model->result - used - 5 - 5 * left};
        synod_writer writer = {.put = model_put, .context = &sink, .limit_bytes = sink.limit};
        bool good = fold_execute(&model->fold, info, operation, &writer) == SYNOD_OK && !sink.cut;
        model->seen[CUT] += sink.cut;
        size_t size = sink.cut ? 0 : sink.used;
        model->result[used] = good ? SYNOD_OK : SYNOD_APP_ERROR;
        store_u32(model->result + used + 1, (uint32_t)size);
        used += 5 + size;
        reply->status = good ? reply->status : SYNOD_APP_ERROR;
    }
    reply->height = model->height;
    reply->result = bytes_of(model->result, used);
    model->requests_executed++;
    model->seen[reply->status == SYNOD_OK ? FRESH_OK : FRESH_ERROR]++;
}

static void model_record(model_t *model, model_session_t *session, const reply_t *reply) {
    model_entry_t *entry = &session->entries[session->entry_count++];
    *entry = (model_entry_t){.sequence = reply->sequence,
                             .height = reply->height,
                             .order = model->positions,
                             .status = reply->status};
    if (reply->result.size > model->parameters.session_reply_bytes) {
        return;
    }
    for (;;) {
        size_t total = reply->result.size;
        model_entry_t *oldest = NULL;
        for (uint32_t i = 0; i < session->entry_count; i++) {
            model_entry_t *other = &session->entries[i];
            if (other->kept) {
                total += other->size;
                oldest = oldest == NULL || other->order < oldest->order ? other : oldest;
            }
        }
        if (total <= model->parameters.session_reply_bytes) {
            break;
        }
        oldest->kept = false;
        model->seen[PUSHED_OUT]++;
    }
    entry->kept = true;
    entry->size = reply->result.size;
    memcpy(entry->result, reply->result.data, entry->size);
}

static void model_settle(model_session_t *session, uint64_t acknowledged) {
    if (acknowledged > session->low) {
        session->low = acknowledged;
    }
    uint32_t left = 0;
    for (uint32_t i = 0; i < session->entry_count; i++) {
        if (session->entries[i].sequence > session->low) {
            session->entries[left++] = session->entries[i];
        }
    }
    session->entry_count = left;
}

/* What is known without executing: true when that is the answer. */
static bool model_known(model_t *model, model_session_t *session, uint64_t sequence,
                        reply_t *reply) {
    const model_entry_t *entry = model_entry(session, sequence);
    if (sequence > session->low && entry == NULL) {
        return false;
    }
    reply->status = SYNOD_UNKNOWN;
    model->seen[entry == NULL ? SETTLED : entry->kept ? RAN_KEPT : RAN_FORGOTTEN]++;
    if (entry != NULL) {
        reply->height = entry->height;
        if (entry->kept) {
            reply->status = entry->status;
            reply->result = bytes_of(entry->result, entry->size);
        }
    }
    return true;
}

static void model_request(model_t *model, const synod_block_info *info, const request_t *request,
                          reply_t *reply) {
    *reply = (reply_t){.session = request->session, .sequence = request->sequence};
    model->positions++;
    if (request->session == 0) {
        model_open(model, request, reply);
        return;
    }
    model_session_t *session = model_find(model, request->session);
    if (session == NULL) {
        bool given = request->session < model->next_number;
        reply->status = given ? SYNOD_EXPIRED : SYNOD_INVALID;
        model->seen[given ? EXPIRED : NEVER]++;
        return;
    }
    session->used_position = model->positions;
    session->used_time_ns = model->time_ns;
    model_settle(session, request->acknowledged);
    if (model_known(model, session, request->sequence, reply)) {
        return;
    }
    if (request->sequence - session->low > model->parameters.session_window) {
        model->seen[OUTSIDE]++;
        reply->status = SYNOD_INVALID;
        return;
    }
    model->seen[NEAR_THE_END] += request->sequence > UINT64_MAX - MODEL_WINDOW;
    model_run(model, info, request, reply);
    model_record(model, session, reply);
}

/* ---- random logs ---- */

static void random_operations(prng_t *prng, world_block_t *block, uint64_t session,
                              uint64_t sequence, uint64_t acknowledged) {
    static const char kinds[] = {'e', 'n', 'f', 'b', 'b', 'b', 's', 'x'};
    uint8_t space[4][8];
    bytes_t operations[4];
    uint32_t count = (uint32_t)prng_between(prng, 1, 4);
    for (uint32_t i = 0; i < count; i++) {
        char kind = kinds[prng_below(prng, sizeof kinds)];
        uint32_t size = (uint32_t)prng_below(prng, 60);
        if (kind == 'b' && prng_chance(prng, 50000)) {
            size = (uint32_t)prng_between(prng, 5000, 5200);
        }
        space[i][0] = (uint8_t)kind;
        store_u32(space[i] + 1, kind == 's' ? size + 50 : size);
        operations[i] = bytes_of(space[i], 5);
    }
    world_requests(block, session, sequence, acknowledged, operations, count);
}

static void random_request(prng_t *prng, world_block_t *block, model_t *model) {
    if (prng_chance(prng, 150000)) {
        uint8_t name = (uint8_t)prng_below(prng, KEYS + 1);
        world_open_request(block, world_key(name == KEYS ? 0xff : name), prng_below(prng, 2));
        return;
    }
    uint64_t number = 1 + prng_below(prng, model->next_number + 1);
    uint64_t low = 0;
    if (model->count > 0 && prng_chance(prng, 900000)) {
        const model_session_t *session = &model->sessions[prng_below(prng, model->count)];
        number = session->number;
        low = session->low;
    }
    if (prng_chance(prng, 20000)) {
        low = UINT64_MAX - prng_between(prng, 1, 2 * MODEL_WINDOW);
    }
    uint64_t ahead = 1 + prng_below(prng, model->parameters.session_window + 2);
    uint64_t sequence = UINT64_MAX - low < ahead ? UINT64_MAX : low + ahead;
    if (prng_chance(prng, 50000)) {
        sequence = 1 + prng_below(prng, sequence);
    }
    uint64_t acknowledged = low;
    if (prng_chance(prng, 300000)) {
        acknowledged = prng_chance(prng, 500000) ? 0 : sequence - 1 - prng_below(prng, 2);
    }
    if (acknowledged >= sequence) {
        acknowledged = sequence - 1;
    }
    random_operations(prng, block, number, sequence, acknowledged);
}

static void assert_reply(const reply_t *expected, const reply_t *actual) {
    assert_int_equal(expected->session, actual->session);
    assert_int_equal(expected->sequence, actual->sequence);
    assert_int_equal(expected->status, actual->status);
    assert_int_equal(expected->height, actual->height);
    assert_int_equal(actual->leader_hint, 0);
    assert_true(bytes_equal(expected->result, actual->result));
}

/* What the ledger says without ordering anything, against the model. */
static void probe(prng_t *prng, model_t *model, const ledger_t *ledger) {
    uint64_t number = 1 + prng_below(prng, model->next_number + 1);
    model_session_t *session = model_find(model, number);
    key_public_t key = world_key((uint8_t)prng_below(prng, KEYS));
    uint64_t nonce = prng_below(prng, 2);
    const model_session_t *opened = model_find_opened(model, key, nonce);
    assert_int_equal(ledger_find_session(ledger, &key, nonce), opened ? opened->number : 0);
    if (session == NULL) {
        assert_null(ledger_session_key(ledger, number));
        assert_int_equal(ledger_standing(ledger, number, 1, 0),
                         number < model->next_number ? LEDGER_GONE : LEDGER_UNOPENED);
        return;
    }
    assert_memory_equal(ledger_session_key(ledger, number), &session->key, sizeof key);
    uint64_t base = session->low > 2 ? session->low - 2 : 0;
    uint64_t ahead = 1 + prng_below(prng, MODEL_WINDOW + 4);
    uint64_t sequence = UINT64_MAX - base < ahead ? UINT64_MAX : base + ahead;
    uint64_t acknowledged = sequence - 1 - prng_below(prng, sequence < 4 ? sequence : 4);
    uint64_t low = acknowledged > session->low ? acknowledged : session->low;
    bool settled = sequence <= session->low;
    bool outside = !settled && sequence - low > model->parameters.session_window;
    const model_entry_t *entry = model_entry(session, sequence);
    assert_int_equal(ledger_standing(ledger, number, sequence, acknowledged),
                     outside                    ? LEDGER_OUTSIDE
                     : settled || entry != NULL ? LEDGER_DONE
                                                : LEDGER_FRESH);
    reply_t reply;
    reply_t expected = {.session = number, .sequence = sequence, .status = SYNOD_UNKNOWN};
    if (entry != NULL) {
        expected.height = entry->height;
        expected.status = entry->kept ? entry->status : SYNOD_UNKNOWN;
        expected.result = bytes_of(entry->result, entry->kept ? entry->size : 0);
    }
    assert_int_equal(ledger_reply(ledger, number, sequence, &reply), entry && entry->kept);
    assert_reply(&expected, &reply);
}

/* ---- the runs ---- */

enum { EAGER, NOW_AND_THEN, LAZY, MOVED, LEDGERS };

static ledger_parameters_t random_parameters(prng_t *prng) {
    return (ledger_parameters_t){.sessions_max = (uint32_t)prng_between(prng, 1, MODEL_SESSIONS),
                                 .session_window = 1u << prng_below(prng, 4),
                                 .session_reply_bytes =
                                     (uint32_t)prng_below(prng, MODEL_RESULT_BYTES),
                                 .session_idle_ns = prng_below(prng, 600),
                                 .reply_bytes_max = LEDGER_REPLY_BYTES_MIN};
}

/* Saves and loads, into another ledger or back into the same one. */
static void move(prng_t *prng, world_t *world) {
    world_stream_t stream = world_save(world);
    if (prng_chance(prng, 500000)) {
        world_t other = world_make(world->parameters);
        world_free(world);
        *world = other;
    }
    size_t piece = (size_t)prng_between(prng, 1, 200);
    assert_int_equal(world_load(world, bytes_of(stream.data, stream.size), piece), SYNOD_OK);
    free(stream.data);
}

static void run_block(prng_t *prng, model_t *model, world_t *worlds, world_block_t *blocks) {
    world_block_t *block = &blocks[0];
    block->used = 0;
    block->count = 0;
    uint32_t wanted = (uint32_t)prng_below(prng, 14);
    for (uint32_t i = 0; i < wanted; i++) {
        random_request(prng, block, model);
    }
    uint64_t time_ns = model->time_ns + (prng_chance(prng, 500000) ? prng_below(prng, 300) : 0);
    for (uint32_t i = 0; i < LEDGERS; i++) {
        blocks[i].count = block->count;
        memcpy(blocks[i].requests, block->requests, block->count * sizeof block->requests[0]);
        world_run(&worlds[i], &blocks[i], time_ns);
    }
    model->height++;
    model->time_ns = time_ns;
    synod_block_info info = {.height = model->height, .time_ns = time_ns, .proposer = 2};
    for (uint32_t i = 0; i < block->count; i++) {
        const request_t *request = &block->requests[i];
        info.operation_count += request->session == 0 ? 0 : request->operation_count;
    }
    for (uint32_t i = 0; i < block->count; i++) {
        reply_t expected;
        model_request(model, &info, &block->requests[i], &expected);
        for (uint32_t k = 0; k < LEDGERS; k++) {
            assert_reply(&expected, &blocks[k].replies[i]);
        }
    }
    fold_end_block(&model->fold, &info);
}

static void check_end(model_t *model, world_t *worlds) {
    digest_t root = world_root(&worlds[EAGER]);
    world_stream_t stream = world_save(&worlds[EAGER]);
    for (uint32_t i = 1; i < LEDGERS; i++) {
        world_stream_t other = world_save(&worlds[i]);
        assert_true(
            bytes_equal(bytes_of(stream.data, stream.size), bytes_of(other.data, other.size)));
        digest_t other_root = world_root(&worlds[i]);
        assert_true(digest_equal(&root, &other_root));
        free(other.data);
    }
    free(stream.data);
    digest_t committee = {{0}}, application, expected;
    ledger_root(worlds[LAZY].ledger, &committee, (bytes_t){0}, &application);
    fold_root(&model->fold, &expected);
    assert_true(digest_equal(&application, &expected));
}

static void run_seed(uint64_t seed, world_block_t *blocks, uint64_t *seen) {
    prng_t prng = prng_of(seed);
    static model_t model;
    model = (model_t){.parameters = random_parameters(&prng), .next_number = 1};
    world_t worlds[LEDGERS];
    for (uint32_t i = 0; i < LEDGERS; i++) {
        worlds[i] = world_make(model.parameters);
    }
    for (uint32_t height = 1; height <= BLOCKS; height++) {
        run_block(&prng, &model, worlds, blocks);
        digest_t root = world_root(&worlds[EAGER]);
        if (prng_chance(&prng, 150000)) {
            digest_t other = world_root(&worlds[NOW_AND_THEN]);
            assert_true(digest_equal(&root, &other));
        }
        if (prng_chance(&prng, 100000)) {
            move(&prng, &worlds[MOVED]);
        }
        for (uint32_t i = 0; i < LEDGERS; i++) {
            assert_int_equal(ledger_sessions(worlds[i].ledger), model.count);
            assert_int_equal(ledger_requests_executed(worlds[i].ledger), model.requests_executed);
            probe(&prng, &model, worlds[i].ledger);
        }
    }
    check_end(&model, worlds);
    for (uint32_t i = 0; i < LEDGERS; i++) {
        world_free(&worlds[i]);
    }
    for (uint32_t i = 0; i < OUTCOMES; i++) {
        seen[i] += model.seen[i];
    }
}

static void random_logs(void **unused) {
    (void)unused;
    world_block_t *blocks = malloc(LEDGERS * sizeof *blocks);
    assert_non_null(blocks);
    uint64_t seen[OUTCOMES] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run_seed(seed, blocks, seen);
    }
    free(blocks);
    /* A run in which something never happened would prove little. */
    for (uint32_t i = 0; i < OUTCOMES; i++) {
        print_message("%-14s %llu\n", outcome_names[i], (unsigned long long)seen[i]);
        assert_true(seen[i] > 100);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_logs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
