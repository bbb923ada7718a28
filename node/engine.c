/* synod_engine: a node on a thread of its own (include/synod/engine.h).
 *
 * The node belongs to that thread from start to end, its closing included; others reach it only by
 * asynchronous handles, under the mutex, and only while `ended` is false. */
#include <synod/engine.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/node.h"
#include "node/state.h"

/* The least that options and an application's table can have: home, name. */
#define OPTIONS_NAMED_BYTES (offsetof(synod_engine_options, home) + sizeof(const char *))
#define APP_NAMED_BYTES (offsetof(synod_app, name) + sizeof(const char *))

struct synod_engine {
    synod_app app;
    node_t *node; /* the thread's; gone when `ended` */
    uv_thread_t thread;
    uv_async_t asked;

    uv_mutex_t mutex; /* guards what follows */
    uv_cond_t changed;
    uint64_t questions, answers;
    uv_thread_t self; /* the same thread, as it says once it runs */
    bool begun, ended;
    synod_engine_state state;
    reason_t reason;
};

static void copy_reason(const reason_t *from, char *to, size_t size) {
    if (to != NULL && size > 0) {
        (void)snprintf(to, size, "%s", from->text);
    }
}

/* ---- the thread ---- */

static void look(synod_engine *engine) {
    status_report_t report;
    synod_engine_state *state = &engine->state;
    node_status(engine->node, &report);
    state->phase = replica_phase(engine->node->replica) == REPLICA_RECOVERING
                       ? SYNOD_ENGINE_RECOVERING
                       : SYNOD_ENGINE_RUNNING;
    state->port = node_port(engine->node);
    state->synced = report.synced != 0;
    state->member = report.member;
    state->leader = report.leader;
    state->view = report.view;
    state->final_height = report.final;
    state->executed_height = report.executed;
    state->operations = report.operations_executed;
    state->peers = report.peers_connected;
    state->clients = report.clients_connected;
    state->pending_requests = report.pending_requests;
    state->uptime_ns = report.uptime_ns;
}

static void on_asked(uv_async_t *async) {
    synod_engine *engine = async->data;
    uv_mutex_lock(&engine->mutex);
    look(engine);
    engine->answers = engine->questions;
    uv_cond_broadcast(&engine->changed);
    uv_mutex_unlock(&engine->mutex);
}

static void run(void *argument) {
    synod_engine *engine = argument;
    reason_t reason = {"it was stopped"};
    uv_mutex_lock(&engine->mutex);
    engine->self = uv_thread_self();
    engine->begun = true;
    uv_mutex_unlock(&engine->mutex);
    synod_status status = node_run(engine->node, &reason);
    uv_mutex_lock(&engine->mutex);
    look(engine);
    engine->ended = true; /* nobody asks from here on */
    uv_mutex_unlock(&engine->mutex);
    node_close(engine->node);
    uv_mutex_lock(&engine->mutex);
    engine->node = NULL;
    engine->state.phase = SYNOD_ENGINE_ENDED;
    engine->state.ended = status;
    engine->state.peers = engine->state.clients = 0;
    engine->reason = reason;
    uv_cond_broadcast(&engine->changed);
    uv_mutex_unlock(&engine->mutex);
}

/* ---- opening ---- */

static synod_status open_node(synod_engine *engine, const synod_engine_options *given,
                              reason_t *reason) {
    const node_options_t options = {.home = given->home,
                                    .app = engine->app.name != NULL ? &engine->app : NULL,
                                    .handle_signals = given->handle_signals};
    synod_status status = node_open(&options, &engine->node, reason);
    if (status != SYNOD_OK) {
        return status;
    }
    if (uv_async_init(&engine->node->loop, &engine->asked, on_asked) != 0) {
        node_close(engine->node);
        return reason_set(reason, SYNOD_IO, "no file descriptors are left for the engine");
    }
    engine->asked.data = engine;
    return SYNOD_OK;
}

static synod_status start(synod_engine *engine, const synod_engine_options *given,
                          reason_t *reason) {
    synod_status status = open_node(engine, given, reason);
    if (status != SYNOD_OK) {
        return status;
    }
    engine->state = (synod_engine_state){.size_bytes = sizeof engine->state,
                                         .phase = SYNOD_ENGINE_RECOVERING,
                                         .port = node_port(engine->node),
                                         .member = engine->node->home.self,
                                         .leader = SYNOD_NOBODY};
    if (uv_thread_create(&engine->thread, run, engine) != 0) {
        node_close(engine->node);
        return reason_set(reason, SYNOD_NO_MEMORY, "the system gives no thread for the engine");
    }
    return SYNOD_OK;
}

static void free_engine(synod_engine *engine) {
    uv_cond_destroy(&engine->changed);
    uv_mutex_destroy(&engine->mutex);
    free(engine);
}

static synod_engine *make(void) {
    synod_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL || uv_mutex_init(&engine->mutex) != 0) {
        free(engine);
        return NULL;
    }
    if (uv_cond_init(&engine->changed) != 0) {
        uv_mutex_destroy(&engine->mutex);
        free(engine);
        return NULL;
    }
    return engine;
}

/* Those of an older build are shorter: what they lack is zero. */
static synod_status read_options(const synod_engine_options *from, synod_engine_options *to,
                                 reason_t *reason) {
    if (from->size_bytes < OPTIONS_NAMED_BYTES || from->size_bytes > sizeof *to ||
        from->home == NULL) {
        return reason_set(reason, SYNOD_INVALID, "set size_bytes and home of the options");
    }
    memcpy(to, from, from->size_bytes);
    if (to->app != NULL && (to->app->size_bytes < APP_NAMED_BYTES || to->app->name == NULL)) {
        return reason_set(reason, SYNOD_INVALID, "set size_bytes and name of the application");
    }
    return SYNOD_OK;
}

synod_status synod_engine_open(const synod_engine_options *options, synod_engine **result,
                               char *reason, size_t reason_size) {
    reason_t why = {""};
    synod_engine *engine = NULL;
    synod_engine_options given = {0};
    synod_status status = read_options(options, &given, &why);
    *result = NULL;
    if (status == SYNOD_OK && !sign_open()) {
        status = reason_set(&why, SYNOD_IO, "the signature library cannot start");
    } else if (status == SYNOD_OK) {
        engine = make();
        status = engine != NULL ? SYNOD_OK
                                : reason_set(&why, SYNOD_NO_MEMORY, "no memory for the engine");
    }
    if (status == SYNOD_OK) {
        /* A table of an older build is shorter: what it lacks is NULL. */
        if (given.app != NULL) {
            size_t size = given.app->size_bytes;
            memcpy(&engine->app, given.app, size < sizeof engine->app ? size : sizeof engine->app);
        }
        status = start(engine, &given, &why);
    }
    if (status != SYNOD_OK) {
        if (engine != NULL) {
            free_engine(engine);
        }
        copy_reason(&why, reason, reason_size);
        return status;
    }
    *result = engine;
    return SYNOD_OK;
}

/* ---- using ---- */

/* Under the mutex: does the application ask, in a call of the engine's? The thread would wait for
 * itself. */
static bool on_own_thread(const synod_engine *engine) {
    uv_thread_t caller = uv_thread_self();
    return engine->begun && uv_thread_equal(&caller, &engine->self) != 0;
}

synod_status synod_engine_status(synod_engine *engine, synod_engine_state *state) {
    size_t size = state->size_bytes;
    if (size < sizeof size || size > sizeof *state) {
        return SYNOD_INVALID;
    }
    uv_mutex_lock(&engine->mutex);
    if (!engine->ended && on_own_thread(engine)) {
        look(engine); /* nothing of this thread changes what it reads meanwhile */
    } else if (!engine->ended) {
        uint64_t question = ++engine->questions;
        (void)uv_async_send(&engine->asked);
        while (!engine->ended && engine->answers < question) {
            uv_cond_wait(&engine->changed, &engine->mutex);
        }
    }
    memcpy(state, &engine->state, size);
    uv_mutex_unlock(&engine->mutex);
    state->size_bytes = size;
    return SYNOD_OK;
}

void synod_engine_stop(synod_engine *engine) {
    uv_mutex_lock(&engine->mutex);
    if (!engine->ended) {
        node_ask_stop(engine->node);
    }
    uv_mutex_unlock(&engine->mutex);
}

synod_status synod_engine_wait(synod_engine *engine, char *reason, size_t reason_size) {
    uv_mutex_lock(&engine->mutex);
    if (on_own_thread(engine)) {
        uv_mutex_unlock(&engine->mutex);
        copy_reason(&(reason_t){"the engine cannot be waited for on its own thread"}, reason,
                    reason_size);
        return SYNOD_INVALID;
    }
    while (engine->state.phase != SYNOD_ENGINE_ENDED) {
        uv_cond_wait(&engine->changed, &engine->mutex);
    }
    synod_status status = engine->state.ended;
    copy_reason(&engine->reason, reason, reason_size);
    uv_mutex_unlock(&engine->mutex);
    return status;
}

synod_status synod_engine_close(synod_engine *engine, char *reason, size_t reason_size) {
    uv_mutex_lock(&engine->mutex);
    bool own = on_own_thread(engine);
    uv_mutex_unlock(&engine->mutex);
    if (!own) {
        synod_engine_stop(engine);
    }
    synod_status status = synod_engine_wait(engine, reason, reason_size);
    if (!own) {
        (void)uv_thread_join(&engine->thread);
        free_engine(engine);
    }
    return status;
}
