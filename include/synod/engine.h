/* A validator inside your own process: your application, replicated.
 *
 *     synod_engine *engine;
 *     char reason[256];
 *     synod_engine_options options = {.size_bytes = sizeof options, .home = "./node0"};
 *     options.app = &my_application;
 *     if (synod_engine_open(&options, &engine, reason, sizeof reason) != SYNOD_OK) { ... }
 *     ...
 *     synod_engine_close(engine, NULL, 0);
 *
 * The home is made by `synod init` or `synod testnet`; its genesis names the application, and
 * `app` must have that name. The engine runs in one thread of its own (others of it read the disk
 * and check signatures). Every call of the application comes from one thread at a time: from the
 * caller of synod_engine_open while that runs, then from the engine's thread.
 *
 * Orders are given by clients (synod/client.h), over the network, also from this process. All
 * functions here may be called from any thread, but close by one and last; in calls of the
 * application, which come from the engine's own thread, wait and close do nothing and return
 * INVALID. SIGPIPE becomes ignored if nobody handles it; and unless the home's config has
 * core_dumps = yes, the process can no longer be dumped or traced, because it holds the keys. */
#ifndef SYNOD_ENGINE_H
#define SYNOD_ENGINE_H

#include <synod/app.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct synod_engine synod_engine;

/* Set size_bytes to sizeof(synod_engine_options); zero members mean the default. */
typedef struct synod_engine_options {
    size_t size_bytes;
    const char *home;     /* folder */
    const synod_app *app; /* copied; NULL: the built-in one that the genesis names */
    bool handle_signals;  /* SIGTERM and SIGINT stop it: for a process that is nothing else */
} synod_engine_options;

/* Reads and judges the home, locks its journal, listens, and starts the thread. Does not wait for
 * recovery or for peers. On failure `*engine` is NULL and `reason`, of `reason_size` bytes, says in
 * a sentence what is wrong and what to do; it may be NULL. INVALID: the options; IN_USE: the home
 * or its port is in use; MISMATCH: the genesis names another application; otherwise as the file
 * that is at fault. */
SYNOD_API synod_status synod_engine_open(const synod_engine_options *options, synod_engine **engine,
                                         char *reason, size_t reason_size);

typedef enum synod_engine_phase {
    SYNOD_ENGINE_RECOVERING = 1, /* reads its journal; promises nothing yet */
    SYNOD_ENGINE_RUNNING = 2,
    SYNOD_ENGINE_ENDED = 3 /* `ended` says why */
} synod_engine_phase;

#define SYNOD_NOBODY UINT32_MAX

/* Set size_bytes to sizeof(synod_engine_state). What the engine says of itself. */
typedef struct synod_engine_state {
    size_t size_bytes;
    synod_engine_phase phase;
    synod_status ended;      /* OK: it was closed or got a signal; IO, CONFLICT, ...: it halted */
    uint16_t port;           /* at which it listens */
    bool synced;             /* nothing is known to be missing */
    uint32_t member, leader; /* indices in the genesis; SYNOD_NOBODY */
    uint64_t view;
    uint64_t final_height, executed_height;
    uint64_t operations;       /* executed since the chain began */
    uint64_t peers, clients;   /* connected now */
    uint64_t pending_requests; /* waiting to be ordered */
    uint64_t uptime_ns;
} synod_engine_state;

/* Asks the engine's thread and waits for its answer, which takes less than a turn of its loop; on
 * that thread, in a call of the application, it answers at once.
 * After the end: what was last known. INVALID: size_bytes is not that of any build. */
SYNOD_API synod_status synod_engine_status(synod_engine *engine, synod_engine_state *state);

/* Waits until it ends: by synod_engine_stop, or because it halted. Returns why, as a sentence too.
 * INVALID: the caller is its own thread. */
SYNOD_API synod_status synod_engine_wait(synod_engine *engine, char *reason, size_t reason_size);

/* Asks it to end gracefully; does not wait. */
SYNOD_API void synod_engine_stop(synod_engine *engine);

/* Stops, waits, frees. Returns why it ended; `reason` may be NULL. INVALID: as above. */
SYNOD_API synod_status synod_engine_close(synod_engine *engine, char *reason, size_t reason_size);

#ifdef __cplusplus
}
#endif
#endif
