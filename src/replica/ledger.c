/* Executes the ordered log: which request runs, what the application answers, what is remembered.
 * The rules by number are those of docs/formats/sessions.md ("rule 7"); the session table keeps the
 * memory of them (session.h).
 *
 * Invariants: the replicated state changes in ledger_execute and ledger_load only; asking for a
 * root, a reply or a stream changes caches, never an outcome. */
#include "replica/ledger.h"

#include "base/arena.h"
#include "base/check.h"
#include "codec/frame.h"
#include "crypto/hash.h"
#include "replica/ledger_state.h"
#include "replica/session_run.h"

#define STATE_ROOT_TAG "synod.state.v1\0\0" /* 16 bytes */

/* Beside the result a reply has 33 bytes (codec/request.h). */
_Static_assert(LEDGER_REPLY_BYTES_MAX <= FRAME_BODY_MAX / 2, "every reply fits into a frame");

/* ---- opening ---- */

static bool parameters_hold(const ledger_parameters_t *parameters) {
    uint32_t window = parameters->session_window;
    return parameters->sessions_max >= 1 && parameters->sessions_max <= LEDGER_SESSIONS_MAX &&
           window >= 1 && window <= LEDGER_WINDOW_MAX && (window & (window - 1)) == 0 &&
           parameters->session_reply_bytes <= LEDGER_SESSION_REPLY_BYTES_MAX &&
           parameters->reply_bytes_max >= LEDGER_REPLY_BYTES_MIN &&
           parameters->reply_bytes_max <= LEDGER_REPLY_BYTES_MAX &&
           parameters->state_bytes_max <= LEDGER_STATE_BYTES_MAX;
}

size_t ledger_bytes(const ledger_parameters_t *parameters) {
    if (!parameters_hold(parameters)) {
        return 0;
    }
    session_limits_t limits = ledger_limits(parameters);
    return arena_cost(sizeof(ledger_t)) +
           arena_cost(session_table_bytes(&limits, parameters->reply_bytes_max)) +
           session_stream_bytes_max(&limits);
}

/* The application may be of an older or a newer build: members beyond its size are absent. */
static synod_status adopt_app(ledger_t *ledger, const synod_app *app) {
    size_t size = app->size_bytes < sizeof *app ? app->size_bytes : sizeof *app;
    memset(&ledger->app, 0, sizeof ledger->app);
    memcpy(&ledger->app, app, size);
    const synod_app *own = &ledger->app;
    if (own->open == NULL || own->close == NULL || own->execute == NULL || own->root == NULL ||
        own->snapshot_begin == NULL || own->snapshot_next == NULL || own->snapshot_end == NULL ||
        own->snapshot_load == NULL) {
        return SYNOD_UNSUPPORTED;
    }
    if ((own->root_begin == NULL) != (own->root_next == NULL)) {
        return SYNOD_UNSUPPORTED;
    }
    /* Nobody here could act on them (app.h). */
    return own->validator_updates != NULL ? SYNOD_UNSUPPORTED : SYNOD_OK;
}

synod_status ledger_open_state(const ledger_t *ledger, void **state) {
    synod_status status = ledger->app.open(state);
    uint64_t most = ledger->parameters.state_bytes_max;
    if (status == SYNOD_OK && most != 0 && ledger->app.bound != NULL) {
        ledger->app.bound(*state, most);
    }
    return status;
}

synod_status ledger_open(void *memory, const ledger_parameters_t *parameters, const synod_app *app,
                         const verifier_t *verifier, ledger_t **ledger) {
    if (!parameters_hold(parameters)) {
        return SYNOD_BAD_CONFIG;
    }
    require(memory != NULL && (uintptr_t)memory % 16 == 0);
    ledger_t *made = memory;
    made->parameters = *parameters;
    made->verifier = *verifier;
    made->loading = made->saving = false;
    synod_status status = adopt_app(made, app);
    if (status != SYNOD_OK) {
        return status;
    }
    status = ledger_open_state(made, &made->state);
    if (status != SYNOD_OK) {
        return status;
    }
    session_limits_t limits = ledger_limits(parameters);
    uint8_t *at = (uint8_t *)memory + arena_cost(sizeof(ledger_t));
    session_table_make(&made->table, at, &limits, parameters->reply_bytes_max);
    made->saved = at + arena_cost(session_table_bytes(&limits, parameters->reply_bytes_max));
    *ledger = made;
    return SYNOD_OK;
}

void ledger_close(ledger_t *ledger) {
    ledger->app.close(ledger->state);
    ledger->state = NULL;
}

/* ---- executing ---- */

static void reply_opened(const session_t *session, reply_t *reply) {
    reply->session = 0;
    reply->sequence = session->nonce;
    reply->status = SYNOD_OK;
    reply->height = session->opened_height;
    reply->result = bytes_of(session->number_encoded, sizeof session->number_encoded);
}

/* Rules 1 to 4. Who is there already is answered first: a retry costs no look at the key. */
static void execute_open(ledger_t *ledger, const request_t *request, reply_t *reply) {
    session_table_t *table = &ledger->table;
    key_public_t key;
    uint64_t nonce = 0;
    request_open_fields(request, &key, &nonce);
    reply->sequence = nonce;
    session_t *session = session_find_opened(table, &key, nonce);
    if (session == NULL) {
        if (ledger->verifier.judge_key(ledger->verifier.context, &key) != SYNOD_OK) {
            reply->status = SYNOD_INVALID;
            return;
        }
        if (!session_has_room(table)) {
            reply->status = SYNOD_BUSY;
            return;
        }
        session = session_add(table, &key, nonce);
    }
    reply_opened(session, reply);
}

/* Rule 5: numbers are a counter, so every number says by itself whether it was given out. */
static synod_status missing_status(const session_table_t *table, uint64_t number) {
    return number < table->next_number ? SYNOD_EXPIRED : SYNOD_INVALID;
}

/* Rules 8 and 10: the answer to a request that ran or was settled. */
static bool reply_known(const session_table_t *table, const session_t *session, uint64_t sequence,
                        reply_t *reply) {
    const session_entry_t *entry = session_entry_of(table, session, sequence);
    bool ran = sequence != 0 && entry->sequence == sequence;
    reply->status = SYNOD_UNKNOWN;
    reply->height = ran ? entry->height : 0;
    if (!ran || !entry->kept) {
        return false;
    }
    reply->status = (synod_status)entry->status;
    reply->result = session_result(table, session, entry);
    return true;
}

/* Rules 11 to 13: runs a request for the first and last time, and records it. */
static void execute_fresh(ledger_t *ledger, const synod_block_info *info, const request_t *request,
                          session_t *session, reply_t *reply) {
    session_table_t *table = &ledger->table;
    bytes_t result = session_run(&ledger->app, ledger->state, info, request, table->scratch,
                                 ledger->parameters.reply_bytes_max, &reply->status);
    reply->height = info->height;
    reply->result = result;
    session_entry_t *entry = session_ran(table, session, request->sequence, info->height);
    uint8_t *kept = session_keep(table, session, entry, (uint32_t)result.size, reply->status);
    if (kept != NULL && result.size > 0) {
        memcpy(kept, result.data, result.size);
    }
    table->requests_executed++;
    table->operations_executed += request->operation_count;
}

static void execute_request(ledger_t *ledger, const synod_block_info *info,
                            const request_t *request, reply_t *reply) {
    session_table_t *table = &ledger->table;
    *reply = (reply_t){.session = request->session, .sequence = request->sequence};
    if (request->session == 0) {
        execute_open(ledger, request, reply);
        return;
    }
    session_t *session = session_find(table, request->session);
    if (session == NULL) {
        reply->status = missing_status(table, request->session);
        return;
    }
    session_use(table, session); /* rule 6 */
    session_verdict_t verdict =
        session_judge(table, session, request->sequence, request->acknowledged);
    if (request->acknowledged < request->sequence) { /* rule 7 */
        session_settle(table, session, request->acknowledged);
    }
    switch (verdict) {
    case SESSION_OUTSIDE: /* rule 9 */
        reply->status = SYNOD_INVALID;
        break;
    case SESSION_SETTLED:
    case SESSION_RAN:
        reply_known(table, session, request->sequence, reply);
        break;
    case SESSION_FRESH:
        execute_fresh(ledger, info, request, session, reply);
        break;
    }
}

void ledger_execute(ledger_t *ledger, const block_t *block, const request_t *requests,
                    uint32_t count, ledger_reply_fn *on_reply, void *context) {
    session_table_t *table = &ledger->table;
    require(!ledger->loading);
    require(block->height == table->height + 1);
    table->height = block->height;
    /* A quorum agreed on the time; should it go back nevertheless, everybody holds it alike. */
    if (block->time_ns > table->time_ns) {
        table->time_ns = block->time_ns;
    }
    synod_block_info info = {.size_bytes = sizeof info,
                             .height = block->height,
                             .time_ns = table->time_ns,
                             .proposer = block->proposer};
    for (uint32_t i = 0; i < count; i++) {
        info.operation_count += requests[i].session == 0 ? 0 : requests[i].operation_count;
    }
    for (uint32_t i = 0; i < count; i++) {
        reply_t reply;
        table->positions++;
        execute_request(ledger, &info, &requests[i], &reply);
        if (on_reply != NULL) {
            on_reply(context, &requests[i], &reply);
        }
    }
    if (ledger->app.end_block != NULL) {
        ledger->app.end_block(ledger->state, &info);
    }
}

/* ---- asking ---- */

ledger_standing_t ledger_standing(const ledger_t *ledger, uint64_t session, uint64_t sequence,
                                  uint64_t acknowledged) {
    const session_t *found = session_find(&ledger->table, session);
    if (found == NULL) {
        return session < ledger->table.next_number ? LEDGER_GONE : LEDGER_UNOPENED;
    }
    switch (session_judge(&ledger->table, found, sequence, acknowledged)) {
    case SESSION_FRESH:
        return LEDGER_FRESH;
    case SESSION_RAN:
    case SESSION_SETTLED:
        return LEDGER_DONE;
    case SESSION_OUTSIDE:
        break;
    }
    return LEDGER_OUTSIDE;
}

const key_public_t *ledger_session_key(const ledger_t *ledger, uint64_t session) {
    const session_t *found = session_find(&ledger->table, session);
    return found == NULL ? NULL : &found->key;
}

uint64_t ledger_find_session(const ledger_t *ledger, const key_public_t *key, uint64_t nonce) {
    const session_t *found = session_find_opened(&ledger->table, key, nonce);
    return found == NULL ? 0 : found->number;
}

bool ledger_reply(const ledger_t *ledger, uint64_t session, uint64_t sequence, reply_t *reply) {
    *reply = (reply_t){.session = session, .sequence = sequence};
    const session_t *found = session_find(&ledger->table, session);
    if (found == NULL) {
        reply->status = missing_status(&ledger->table, session);
        return false;
    }
    if (sequence == 0) {
        reply_opened(found, reply);
        return true;
    }
    return reply_known(&ledger->table, found, sequence, reply);
}

height_t ledger_height(const ledger_t *ledger) {
    return ledger->table.height;
}

uint64_t ledger_time_ns(const ledger_t *ledger) {
    return ledger->table.time_ns;
}

uint64_t ledger_requests_executed(const ledger_t *ledger) {
    return ledger->table.requests_executed;
}

uint64_t ledger_operations_executed(const ledger_t *ledger) {
    return ledger->table.operations_executed;
}

uint32_t ledger_sessions(const ledger_t *ledger) {
    return ledger->table.count;
}

/* `parts`: roots of the committee and of the order state. */
static digest_t root_of(const ledger_t *ledger, const digest_t *application,
                        const digest_t parts[2]) {
    bytes_t all[] = {bytes_of(STATE_ROOT_TAG, 16), bytes_of(application, sizeof *application),
                     bytes_of(&ledger->session_root, sizeof ledger->session_root),
                     bytes_of(&parts[0], sizeof parts[0]), bytes_of(&parts[1], sizeof parts[1])};
    return hash_parts(all, sizeof all / sizeof all[0]);
}

digest_t ledger_root(ledger_t *ledger, const digest_t *committee_root, bytes_t order_state,
                     digest_t *application_root) {
    require(!ledger->loading);
    const digest_t parts[2] = {*committee_root, hash_bytes(order_state)};
    digest_t application = {{0}};
    ledger->app.root(ledger->state, &application);
    ledger->session_root = session_table_root(&ledger->table);
    if (application_root != NULL) {
        *application_root = application;
    }
    return root_of(ledger, &application, parts);
}

void ledger_root_begin(ledger_t *ledger, const digest_t *committee_root, bytes_t order_state) {
    require(!ledger->loading);
    ledger->rooting[0] = *committee_root;
    ledger->rooting[1] = hash_bytes(order_state);
    ledger->session_root = session_table_root(&ledger->table);
    if (ledger->app.root_begin != NULL) {
        ledger->app.root_begin(ledger->state);
    } else {
        ledger->app.root(ledger->state, &ledger->rooted_application);
    }
}

bool ledger_root_next(ledger_t *ledger, digest_t *root, digest_t *application_root) {
    require(!ledger->loading);
    *application_root = ledger->rooted_application;
    if (ledger->app.root_begin != NULL && !ledger->app.root_next(ledger->state, application_root)) {
        return false;
    }
    *root = root_of(ledger, application_root, ledger->rooting);
    return true;
}

digest_t ledger_session_root(const ledger_t *ledger) {
    return ledger->session_root;
}

synod_status ledger_check(const ledger_t *ledger, bytes_t operation) {
    return ledger->app.check == NULL ? SYNOD_OK : ledger->app.check(ledger->state, operation);
}

synod_status ledger_query(ledger_t *ledger, bytes_t query, bool prove, synod_writer *reply,
                          synod_writer *proof) {
    if (ledger->app.query == NULL) {
        return SYNOD_UNSUPPORTED;
    }
    return ledger->app.query(ledger->state, query, prove, reply, proof);
}
