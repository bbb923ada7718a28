/* The application behind the replicated log: a deterministic state machine.
 *
 * Synod orders operations and calls the application in that order on every replica; the same order
 * must give the same replies and the same root on every machine. So an application reads no clock,
 * draws no random numbers and iterates over nothing whose order depends on addresses; the agreed
 * time and the proposer are given with each block.
 *
 * Calls come from one thread, never nested. Bytes given to the application live until the call
 * returns. The application owns its state and may allocate. Nothing that a client sends may make it
 * stop the process: a bad operation is a reply with status SYNOD_APP_ERROR. */
#ifndef SYNOD_APP_H
#define SYNOD_APP_H

#include <synod/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where the application writes one reply, proof or snapshot chunk. `put` appends a copy of the
 * bytes; it returns false when the bound (`limit_bytes` in total) would be passed, and then appends
 * nothing. */
typedef struct synod_writer {
    bool (*put)(void *context, synod_bytes bytes);
    void *context;
    size_t limit_bytes;
} synod_writer;

/* What is agreed about the block that is being executed. */
typedef struct synod_block_info {
    size_t size_bytes; /* of the library's build */
    uint64_t height;
    uint64_t time_ns;  /* agreed time since genesis; never goes back from block to block */
    uint32_t proposer; /* member index */
    uint32_t operation_count;
} synod_block_info;

/* A change of the validator set asked for by the application (declared; a replica that cannot act
 * on it refuses the application at open with SYNOD_UNSUPPORTED). */
typedef struct synod_validator_update {
    synod_key key;
    uint64_t weight; /* 0 removes */
} synod_validator_update;

/* The table of an application. `size_bytes` is sizeof(synod_app) of the build that made it. Members
 * marked optional may be NULL. */
typedef struct synod_app {
    size_t size_bytes;
    const char *name;

    /* Makes an empty state; `*state` is passed to all other calls. SYNOD_NO_MEMORY on failure. */
    synod_status (*open)(void **state);
    void (*close)(void *state);

    /* Optional. Cheap judgement before an operation enters the mempool: SYNOD_OK, or
     * SYNOD_APP_ERROR / SYNOD_INVALID to refuse it. Must not depend on the state: a replica that is
     * behind has to judge alike. */
    synod_status (*check)(void *state, synod_bytes operation);

    /* Executes one operation of the block. Writes the reply to `reply` (at most its limit_bytes).
     * Returns SYNOD_OK or SYNOD_APP_ERROR; both are part of the replicated result. */
    synod_status (*execute)(void *state, const synod_block_info *block, synod_bytes operation,
                            synod_writer *reply);

    /* Optional. Called after the last operation of each block. */
    void (*end_block)(void *state, const synod_block_info *block);

    /* The digest of the whole state after the last executed block. May be costly (it settles
     * deferred hashing); called at checkpoints, not at each block. An application that can do it in
     * pieces has `root_begin` as well, see below. */
    void (*root)(void *state, synod_digest *root);

    /* Optional. Answers a read from the state as of the last `root` call or, if `prove` is false,
     * as of now. With `prove`, writes a proof that `verify` checks against the root. */
    synod_status (*query)(void *state, synod_bytes query, bool prove, synod_writer *reply,
                          synod_writer *proof);

    /* Optional. Checks an answer of `query` against a root: pure, needs no state, for clients. */
    synod_status (*verify)(const synod_digest *root, synod_bytes query, synod_bytes reply,
                           synod_bytes proof);

    /* A snapshot: the whole state as one canonical stream (same state, same bytes), in pieces,
     * while blocks go on executing. `snapshot_begin` fixes what is saved: the state as it is now;
     * it is called right after `root` or `root_begin` and has to be quick; pieces are asked for
     * when that root is known. Each `snapshot_next` appends the next bytes of the stream, as many
     * as it has up to the writer's limit_bytes; `*more` becomes false with the last ones.
     * `snapshot_end` drops what was kept for it, after the last piece or before. One snapshot at a
     * time; `snapshot_load` is not called in between. */
    void (*snapshot_begin)(void *state);
    synod_status (*snapshot_next)(void *state, synod_writer *writer, bool *more);
    void (*snapshot_end)(void *state);

    /* Replaces the state by the stream of a snapshot; called with consecutive pieces and a
     * last call with an empty piece. Bytes come from a peer or a disk: judge them. On failure the
     * state is as after open. */
    synod_status (*snapshot_load)(void *state, synod_bytes piece);

    /* Optional. Validator changes asked for by the block just executed; see the type. */
    uint32_t (*validator_updates)(void *state, synod_validator_update *updates, uint32_t capacity);

    /* Optional. Called once, right after `open`: what the state may grow to, from the genesis. The
     * application says what counts (it must be a function of the state alone, never of memory), and
     * an operation that would pass the bound fails with SYNOD_APP_ERROR. */
    void (*bound)(void *state, uint64_t state_bytes_max);

    /* Optional. These operations are executed next, in this order: a chance to start loading what
     * they will touch, of all of them at once. Changes nothing that anybody could see, and may be
     * left out. */
    void (*expect)(void *state, const synod_bytes *operations, uint32_t count);

    /* Optional, both or neither. What `root` gives, in pieces, while blocks go on executing, so
     * that a replica with a large state does not stand still at each checkpoint. `root_begin` fixes
     * the state whose digest is wanted, the one of now, and has to be quick. Each `root_next` does
     * a bounded piece of the work, a millisecond or so, and returns false until the digest is
     * there. Nobody asks for a proof meanwhile; `root` may be called instead of the rest. */
    void (*root_begin)(void *state);
    bool (*root_next)(void *state, synod_digest *root);
} synod_app;

/* The built-in applications. Operations and replies of `kv`: docs/formats/kv.md. `null` executes
 * nothing and replies nothing: for measurements. */
SYNOD_API const synod_app *synod_app_kv(void);
SYNOD_API const synod_app *synod_app_null(void);

/* A built-in application by name, or NULL. */
SYNOD_API const synod_app *synod_app_find(const char *name);

#ifdef __cplusplus
}
#endif
#endif
