/* The contract of a protocol core.
 *
 * A core is a pure state machine: step(state, env, event, effects) on one flat block of memory. It
 * never blocks, reads no clock, allocates nothing, calls nothing out. Same events, same effects, on
 * every machine. The state holds no pointers, so memcpy clones it; its size is a function of the
 * parameters; everything in it is bounded by slots. docs/adr/0001-contract.md tells how eleven
 * protocols use it and what was simplified.
 *
 * Safety rests on one rule of the host: effects of all steps form one queue, and no message leaves
 * before every earlier persist and store of the node is durable, unless it is sent `early`, which
 * is for what promises nothing.
 *
 * Invariants of the host that cores rely on:
 *  - messages were decoded, bounded, matched with the phase table, admitted by the core and
 * verified (signature or link, and every certificate in them) before they come in;
 *  - a message of one slot and author comes in at most twice with different content;
 *  - `now_ns` never goes back; messages of one instant come before its deadlines. */
#ifndef PROTOCOL_PROTOCOL_H
#define PROTOCOL_PROTOCOL_H

#include "base/arena.h"
#include "model/evidence.h"
#include "model/message.h"

/* ---- environment: what is not state ---- */

/* Numbers that all replicas share: they stand in the genesis and are part of the domain. Zero means
 * the default that the protocol's page names. */
typedef struct parameters {
    uint64_t view_timeout_ns; /* base of the view timer */
    uint64_t
        request_patience_ns;    /* oldest waiting request older than this: the leader is at fault */
    uint64_t leader_views;      /* views before the leader rotates; 0 = stays while it works */
    uint64_t execution_horizon; /* heights that ordering may run ahead of execution */
    uint32_t payload_bytes_max; /* largest payload of a block */
} parameters_t;

typedef struct env {
    const committee_t *committee;
    const parameters_t *parameters;
    member_t self;    /* own index; MEMBER_NONE for an observer */
    digest_t anchor;  /* id of the block at height 0 of the epoch */
    uint8_t seed[32]; /* derived from a node secret, chain, epoch and path; equal after a restart */
} env_t;

/* ---- events ---- */

typedef enum event_kind {
    EVENT_START = 1, /* first of all events: recovered records */
    EVENT_MESSAGE,
    EVENT_DEADLINE,
    EVENT_PENDING,  /* level: what waits in the mempool; sent when it changes, to backups too */
    EVENT_PAYLOAD,  /* answer to want */
    EVENT_VERDICT,  /* answer to validate */
    EVENT_BLOCK,    /* answer to fetch: a verified block with its certificate, oldest first */
    EVENT_JUMP,     /* a certified anchor far ahead; never lowers a safety record */
    EVENT_EXECUTED, /* position and state root */
    EVENT_COMPUTED  /* answer to compute */
} event_kind_t;

typedef enum verdict {
    VERDICT_GREEN = 1, /* bytes are here, ancestors too, and the block was judged good */
    VERDICT_AMBER = 2, /* cannot tell yet; may turn green or red */
    VERDICT_RED = 3    /* last word */
} verdict_t;

/* A durable record that the core asked for by EFFECT_PERSIST. */
typedef struct record {
    path_t path;
    uint32_t key;
    bytes_t bytes;
} record_t;

typedef struct event {
    event_kind_t kind;
    uint64_t now_ns;  /* monotonic, for durations */
    uint64_t time_ns; /* since genesis, agreed, never back: for block times and slots */
    union {
        struct {
            const record_t *records; /* live ones; none at the first start */
            uint32_t count;
            height_t height; /* anchor: last final block known to the replica */
            digest_t id;
            bytes_t order_state;
        } start;
        struct {
            const message_t *message;
            member_t link; /* member whose channel it came over; MEMBER_NONE when not a member's */
            uint64_t arrival_ns;
        } message;
        struct {
            uint32_t id;
        } deadline;
        struct {
            uint64_t bytes;     /* waiting and not in a delivered block */
            uint64_t oldest_ns; /* arrival (now_ns scale) of the oldest; meaningless if bytes = 0 */
            digest_t oldest;    /* which one it is */
            uint32_t bucket;
        } pending;
        struct {
            digest_t parent;
            digest_t payload;
            uint32_t size_bytes; /* may be 0: everything that waits is on the branch already */
            uint32_t count;
            uint64_t time_ns; /* agreed time to put into the block: not below the parent's */
        } payload;
        struct {
            digest_t id;
            verdict_t verdict;
            digest_t reason;
        } verdict;
        struct {
            const block_t *block;
            const certificate_t *certificate;
        } block;
        struct {
            height_t height;
            digest_t id;
            const certificate_t *certificate;
            bytes_t order_state;
        } jump;
        struct {
            height_t position;
            digest_t root;
            height_t boundary; /* of the epoch, 0 when none is named yet */
        } executed;
        struct {
            uint32_t id;
            bytes_t result;
        } computed;
    };
} event_t;

/* ---- effects ---- */

typedef enum effect_kind {
    EFFECT_PERSIST = 1, /* (path, key, bytes): latest wins per key */
    EFFECT_FORGET,      /* records of the path with a key below */
    EFFECT_STORE,       /* block `id` and payload (and certificate) durable: before a vote for it */
    EFFECT_SEND,
    EFFECT_RELAY,    /* the message of this event, unchanged, to all others */
    EFFECT_DEADLINE, /* replaces that id; at 0 cancels */
    EFFECT_WANT,     /* a payload that repeats nothing of the branch to parent */
    EFFECT_VALIDATE, /* block of the message of this event: keep it, judge it, answer by verdict */
    EFFECT_FETCH,    /* a block that the core must see */
    EFFECT_COMPUTE,
    EFFECT_DELIVER, /* (position, id, level, proof); final at i makes all up to i final */
    EFFECT_RETRACT,
    EFFECT_ACCUSE,
    EFFECT_CLOSE, /* frees records, deadlines and parked messages of a path */
    EFFECT_HALT
} effect_kind_t;

typedef enum level {
    LEVEL_TENTATIVE = 1,
    LEVEL_FIRST,
    LEVEL_WEAK,
    LEVEL_STRONG,
    LEVEL_FINAL
} level_t;

typedef enum timeline {
    TIMELINE_MONOTONIC = 1, /* now_ns */
    TIMELINE_GENESIS = 2    /* time_ns */
} timeline_t;

#define SEND_ALL UINT32_MAX /* all members, oneself included */

typedef struct effect {
    effect_kind_t kind;
    union {
        record_t persist; /* forget: key and path */
        struct {
            digest_t id;
            const certificate_t *certificate; /* may be NULL */
        } store;
        struct {
            member_t to;       /* member or SEND_ALL */
            bool early;        /* promises nothing: need not wait for the disk */
            message_t message; /* unsigned: the outbox signs as the phase says */
        } send;
        struct {
            uint32_t id;
            timeline_t timeline;
            uint64_t at_ns;
        } deadline;
        struct {
            digest_t parent;
            uint32_t size_max_bytes;
        } want;
        struct {
            digest_t id;
        } validate;
        struct {
            digest_t id;
            const certificate_t *holders; /* signers have it; may be NULL */
        } fetch;
        struct {
            uint32_t id, what;
            bytes_t input;
        } compute;
        struct {
            height_t position;
            digest_t id;
            level_t level;
            const certificate_t *proof; /* may be NULL */
        } deliver;
        struct {
            height_t position; /* positions above are withdrawn */
        } retract;
        evidence_t *accuse;
        struct {
            const char *reason; /* static text */
        } halt;
    };
} effect_t;

/* Where a step writes. Effects and what they point to live until the next step of this core. */
typedef struct effects {
    effect_t *items;
    uint32_t count, capacity;
    arena_t scratch;
} effects_t;

/* The next effect of this kind, zeroed; the protocol's declared bound makes it always succeed. */
effect_t *effect_add(effects_t *effects, effect_kind_t kind);
/* Scratch of the step, zeroed; within the protocol's declared bound. */
void *effect_scratch(effects_t *effects, size_t size);
/* Forgets all; before each step. */
void effects_reset(effects_t *effects);

/* ---- the protocol ---- */

typedef enum admission {
    ADMIT_DROP = 0, /* late, enough or meaningless */
    ADMIT_NOW = 1,
    ADMIT_PARK = 2 /* may matter later: the host keeps it in the author's bounded slots */
} admission_t;

/* How final `final` is. */
typedef enum finality {
    FINALITY_DETERMINISTIC = 1, /* under the fault model */
    FINALITY_ONE_VIEW = 2,      /* and two votes in one view convict their author */
    FINALITY_PROBABILISTIC = 3
} finality_t;

/* For status and doctor. */
typedef struct progress {
    view_t view;
    member_t leader;
    height_t certified, delivered;
    const char *waits_for; /* static text */
    uint64_t heard_weight; /* of those heard about the thing waited for */
    uint64_t views_failed; /* views of this epoch left by time-out */
} progress_t;

/* What a member binds itself to by its durable record: views that only grow. */
typedef enum promise_kind {
    PROMISE_VOTED = 0, /* no other vote in this view, none in one below */
    PROMISE_LEFT,      /* no vote at or below */
    PROMISE_CLAIMED,   /* the time-out for `left` claims this certificate */
    PROMISE_LEASE,     /* no proposal at or below in another life */
    PROMISE_LOCKED,    /* no vote on a lower certificate */
    PROMISE_CERTIFIED, /* no time-out that claims a lower certificate */
    PROMISE_COUNT
} promise_kind_t;

typedef struct promised {
    view_t of[PROMISE_COUNT];
} promised_t;

typedef struct protocol {
    const char *name; /* as in --protocol */
    uint32_t id;      /* part of the domain */
    /* Why no chain may be made of it, where it exists to be seen failing; NULL: it may. */
    const char *unsafe;
    const phase_t *phases;
    uint32_t phase_count;
    finality_t finality;
    bool uses_monotonic, uses_genesis; /* timelines; none for asynchronous ones */

    /* Puts the default where a parameter is zero and that means nothing by itself. */
    void (*defaults)(parameters_t *parameters);

    /* Bounds, functions of the parameters and the committee's size. */
    size_t (*state_bytes)(const parameters_t *parameters, uint32_t members);
    uint32_t effects_max;                         /* a step */
    size_t (*scratch_bytes)(uint32_t members);    /* a step */
    uint32_t records_max;                         /* live at once */
    size_t (*record_bytes_max)(uint32_t members); /* each */

    void (*step)(void *state, const env_t *env, const event_t *event, effects_t *effects);
    /* May this message matter? Pure; asked before any signature is checked. */
    admission_t (*admit)(const void *state, const env_t *env, const message_t *message);
    /* Canonical hash of the state with times relative to now_ns, for exploration. */
    uint64_t (*fingerprint)(const void *state, const env_t *env, uint64_t now_ns);
    /* Optional: does `proof` prove that block `id` is final at `height`, to anybody who has the
     * committee? The signatures in it were verified by the caller. */
    synod_status (*final_proof)(const env_t *env, const certificate_t *proof, height_t height,
                                const digest_t *id);
    /* Optional, both or none, for those who judge a member by what it writes and says: what a
     * record promises, read as a restart reads it (false: it cannot be read), and what must be
     * durable before a statement leaves its author. The latest record counts alone. */
    bool (*promises)(bytes_t record, uint32_t members, arena_t *scratch, promised_t *promises);
    void (*needs)(const statement_t *statement, promised_t *needed);
    void (*progress)(const void *state, const env_t *env, progress_t *progress);
} protocol_t;

#endif
