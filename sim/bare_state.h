/* The inside of sim/bare: the world, its nodes, and what its files share.
 *
 * Invariants: all order comes from the event heap (time, class, sequence); all chance from the
 * generators in `chance`, one for each cause, so that switching one fault off does not shift the
 * others; no decision depends on an address. A message is copied once, at departure, and shared by
 * all its receivers, which never write to it. */
#ifndef SIM_BARE_STATE_H
#define SIM_BARE_STATE_H

#include "base/check.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/prng.h"
#include "base/trace.h"
#include "model/judge.h"
#include "sim/bare.h"
#include "sim/promises.h"

#define NODES_MAX (2 * BARE_MEMBERS_MAX) /* twins have a second one */
#define DEADLINES_MAX 8
#define REQUEST_BYTES 100
#define NOTHING UINT32_MAX
#define KNOWN_CERTIFICATES 48
#define KNOWN_VOTES 24
#define KNOWN_MESSAGES 32

/* ---- messages (bare_message.c) ---- */

typedef struct shared {
    message_t message; /* points into the same piece of memory */
    uint32_t references;
    uint8_t authentic; /* 0: not looked at yet; the same for every receiver, so asked once */
    bool forged;       /* a signed field was altered after signing */
} shared_t;

enum { AUTHENTIC_YES = 1, AUTHENTIC_NO = 2 };

shared_t *bare_shared_of(const message_t *message);
shared_t *bare_shared_take(shared_t *shared);
void bare_shared_drop(shared_t *shared);
certificate_t *bare_certificate_copy(const certificate_t *certificate);

/* ---- events ---- */

typedef enum happening_kind {
    HAPPEN_FREE = 0,
    HAPPEN_MESSAGE,
    HAPPEN_SYNC,
    HAPPEN_DEADLINE,
    HAPPEN_VERDICT,
    HAPPEN_PAYLOAD,
    HAPPEN_BLOCK,
    HAPPEN_EXECUTED,
    HAPPEN_PENDING,
    HAPPEN_REQUEST,
    HAPPEN_CRASH,
    HAPPEN_RESTART,
    HAPPEN_POWER_CUT,
    HAPPEN_ASK,
    HAPPEN_PARTITION,
    HAPPEN_LIE
} happening_kind_t;

typedef struct happening {
    happening_kind_t kind;
    uint32_t node;
    uint32_t life;   /* of the node, when it matters: what an earlier life asked for has lapsed */
    uint32_t number; /* deadline id, request, block, next free slot */
    uint64_t extra;  /* generation, height, verdict */
    shared_t *message;
    member_t link;
} happening_t;

/* ---- blocks and payloads (bare_ledger.c) ---- */

typedef struct facts {
    height_t height;
    view_t birth_view, justify_view;
    member_t proposer;
    uint64_t time_ns;
    digest_t payload;
    uint32_t payload_size_bytes, payload_count;
} facts_t;

typedef struct entry {
    digest_t id;
    facts_t block;
    uint32_t parent;
    bool valid; /* its payload is new on its branch and was asked for by clients */
} entry_t;

typedef struct payload {
    uint32_t first, count; /* in bare_t.payload_requests */
} payload_t;

/* ---- nodes ---- */

typedef struct operation { /* asked of the disk */
    record_t record;       /* bytes are owned; data NULL for the store of a block */
    bool forget;
} operation_t;

typedef struct outgoing { /* waits for the disk */
    uint64_t barrier;     /* operations that must be durable first */
    uint64_t persists;    /* asked for before it, over this life */
    member_t to;
    bool early;
    shared_t *shared;
} outgoing_t;

enum { REQUEST_HERE = 1, REQUEST_DONE = 2 };

typedef struct node {
    struct bare *world;
    uint32_t index;
    member_t member;
    bool honest, up;
    uint32_t life;
    env_t env;
    void *core, *core_copy;
    effects_t effects, effects_copy;
    /* disk */
    operation_t *operations; /* a queue: [head, head + waiting) of a growing ring */
    uint32_t operation_capacity, operation_head;
    uint64_t asked, durable, syncing_to, commits;
    bool syncing;
    uint64_t sync_fixed_ns; /* 0: drawn */
    uint64_t trap_commit;
    bare_point_t trap_point;
    bool half_sent;    /* what leaves now reaches half of the members */
    record_t *records; /* live and durable */
    uint32_t record_count;
    uint64_t persists;
    outgoing_t *outgoing;
    uint32_t outgoing_capacity, outgoing_head, outgoing_count;
    uint64_t persists_at_promise; /* at the last new promise */
    promised_t promised;          /* by the latest of the records */
    /* ledger */
    uint8_t *requests;     /* REQUEST_ bits */
    uint64_t *arrivals_ns; /* by the node's clock */
    height_t delivered, delivered_durable, executed;
    uint32_t delivered_block;
    certificate_t *proof; /* of the last delivered block */
    bool pending_told;
    /* timers, by the node's clock */
    uint64_t clock_offset_ns;
    uint64_t deadlines_ns[DEADLINES_MAX];
    uint64_t deadline_generation[DEADLINES_MAX];
} node_t;

/* Everything that one member ever said to others and that fills a slot; over all lives. */
typedef struct said {
    statement_t *statements;
    uint32_t count, capacity;
    promised_t needed;
} said_t;

/* Votes that liars saw, for certificates of their own making. */
typedef struct known_votes {
    statement_t statement;
    uint32_t members; /* bit set; 0: free */
    bool certified;
    signature_t signatures[BARE_MEMBERS_MAX];
    claim_t claims[BARE_MEMBERS_MAX][CLAIMS_MAX];
} known_votes_t;

/* What all liars together know. */
typedef struct adversary {
    certificate_t *certificates[KNOWN_CERTIFICATES];
    uint32_t certificate_next;
    known_votes_t votes[KNOWN_VOTES];
    uint32_t vote_next;
    shared_t *messages[KNOWN_MESSAGES];
    uint32_t message_next;
    uint32_t half; /* honest members of the first half */
    bool quiet;    /* no spontaneous lies any more */
} adversary_t;

struct bare {
    bare_options_t options;
    const protocol_t *protocol;
    bare_report_t report;
    trace_t trace;
    struct {
        prng_t network, disk, node, client, fault, lie;
    } chance;
    /* committee */
    symbolic_world_t secret;
    symbolic_identity_t identities[BARE_MEMBERS_MAX];
    member_info_t members[BARE_MEMBERS_MAX];
    verifier_t verifier;
    committee_t committee;
    digest_t anchor;
    /* events */
    uint64_t now_ns, sequence;
    heap_t heap;
    happening_t *slots;
    uint32_t slot_capacity, slot_free;
    uint64_t healed_ns;
    uint32_t deadlines_set; /* at honest nodes */
    /* network */
    uint32_t cuts[BARE_MEMBERS_MAX]; /* whom a member does not reach */
    uint64_t delay_fixed_ns;
    bare_filter_t *filter;
    void *filter_context;
    happening_t *held;
    uint32_t held_count, held_capacity;
    shared_t **kept;
    uint32_t kept_count, kept_capacity;
    /* ledger */
    entry_t *blocks; /* 0: the anchor */
    uint32_t block_count, block_capacity;
    map_t block_map;
    void *block_map_memory;
    payload_t *payloads;
    uint32_t payload_count, payload_capacity;
    uint32_t *payload_requests;
    uint32_t payload_request_count, payload_request_capacity;
    uint32_t *final; /* block at each height */
    uint32_t final_count, final_capacity;
    certificate_t **proofs; /* at each height, NULL where nobody delivered exactly that one */
    uint32_t proof_capacity;
    uint8_t *final_requests; /* delivered in a final block */
    uint8_t *marks;          /* scratch, one a request; all zero between calls */
    uint32_t request_count, request_capacity;
    /* nodes */
    node_t nodes[NODES_MAX];
    uint32_t node_count;
    member_t twin[BARE_MEMBERS_MAX]; /* node of the second core, NOTHING when there is none */
    said_t said[BARE_MEMBERS_MAX];
    adversary_t adversary;
};

/* Grows an array to hold one more; the place of the new item. */
void *bare_grow(void *items, uint32_t *capacity, uint32_t count, size_t item_bytes);
uint64_t bare_base_timeout_ns(const bare_t *world);

/* ---- bare_world.c ---- */
happening_t *bare_schedule(bare_t *world, uint64_t at_ns, happening_kind_t kind, uint32_t node);
/* A deadline: after everything else of its instant, by id. */
happening_t *bare_schedule_deadline(bare_t *world, uint64_t at_ns, uint32_t node, uint32_t id);
void bare_note(bare_t *world, uint32_t who, const char *what, uint64_t a, uint64_t b, uint64_t c,
               uint64_t d);
void bare_fault(bare_t *world, bare_fault_t kind);

/* ---- bare_play.c ---- */
void bare_play_open(bare_t *world);

/* ---- bare_node.c ---- */
void bare_node_open(bare_t *world, uint32_t index, member_t member);
void bare_node_close(node_t *node);
void bare_node_start(node_t *node);
void bare_node_stop(node_t *node);
void bare_node_step(node_t *node, event_t *event);
event_t bare_node_event(const node_t *node, event_kind_t kind);
void bare_node_deadline(node_t *node, uint32_t id, uint64_t generation);
void bare_node_jump(node_t *node, const node_t *from);
void bare_node_ask(node_t *node);
void bare_node_answered(node_t *node);
uint64_t bare_node_clock_ns(const node_t *node);

/* ---- bare_disk.c ---- */
/* Begins a group commit when there is something to write and none runs. */
void bare_disk_commit(node_t *node);
void bare_disk_persist(node_t *node, const record_t *record);
void bare_disk_store(node_t *node);
void bare_disk_forget(node_t *node, const record_t *record);
/* Takes over the reference. */
void bare_disk_send(node_t *node, member_t to, bool early, shared_t *shared);
void bare_disk_synced(node_t *node, height_t delivered);
void bare_disk_crash(node_t *node);
void bare_disk_close(node_t *node);

/* ---- bare_network.c ---- */
/* To one member or SEND_ALL; the caller keeps its reference. */
void bare_network_send(node_t *from, member_t to, shared_t *shared);
void bare_network_arrive(node_t *to, shared_t *shared, member_t link);
/* What came from elsewhere than the core's outbox, and goes to one node. */
void bare_network_post(bare_t *world, member_t from, node_t *to, shared_t *shared);
void bare_network_partition(bare_t *world, bool last);
void bare_sign_statement(const bare_t *world, member_t member, const statement_t *statement,
                         signature_t *signature);

/* ---- bare_ledger.c ---- */
void bare_ledger_open(bare_t *world);
void bare_ledger_close(bare_t *world);
uint32_t bare_block_find(const bare_t *world, const digest_t *id);
/* Registers a block when it is new; NOTHING when its parent is unknown. */
uint32_t bare_block_register(bare_t *world, const block_t *block);
/* A payload of a liar's choice: its digest. */
digest_t bare_payload_make(bare_t *world, const uint32_t *requests, uint32_t count);
bool bare_payload_find(const bare_t *world, const digest_t *digest, uint32_t count,
                       payload_t *payload);
uint32_t bare_request_new(bare_t *world);
void bare_request_arrives(node_t *node, uint32_t request);
void bare_pending_changed(node_t *node);
void bare_pending_tell(node_t *node);
void bare_ledger_want(node_t *node, const digest_t *parent);
void bare_ledger_payload(node_t *node, uint32_t parent);
void bare_ledger_fetch(node_t *node, const digest_t *id);
void bare_ledger_block(node_t *node, uint32_t number);
void bare_ledger_validate(node_t *node, const digest_t *id);
void bare_ledger_verdict(node_t *node, uint32_t block, bool amber);
/* bare_final.c */
void bare_ledger_deliver(node_t *node, height_t position, const digest_t *id,
                         const certificate_t *proof);
/* What is left after a crash. */
void bare_ledger_falls_back(node_t *node);
bool bare_ledger_all_delivered(const bare_t *world);

/* ---- bare_oracle.c ---- */
void bare_violated(bare_t *world, bare_oracle_t oracle, member_t member, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A record became durable; it lives as long as the node keeps it. */
void bare_oracle_record(node_t *node, const record_t *record);
void bare_oracle_departure(node_t *node, const outgoing_t *outgoing);
void bare_oracle_accusation(node_t *node, const evidence_t *evidence);
void bare_oracle_delivery(node_t *node, height_t position, uint32_t block,
                          const certificate_t *proof);
/* Now and then a step is done on a copy of the state first, and both must agree. */
bool bare_oracle_rehearse(node_t *node, const event_t *event);
void bare_oracle_purity(node_t *node, const event_t *event);
void bare_oracle_views(bare_t *world);

/* ---- bare_byzantine.c: when a liar lies ---- */
static inline bool behaves(const node_t *node, uint32_t behaviour) {
    return (node->world->options.behaviours[node->member] & behaviour) != 0;
}
/* What a liar's core wants to send; true when it was dealt with here. Takes no reference. */
bool bare_liar_sends(node_t *node, member_t to, shared_t *shared);
/* A message that reached a liar. */
void bare_liar_hears(node_t *node, shared_t *shared);
/* One spontaneous lie of somebody. */
void bare_liar_acts(bare_t *world);
void bare_adversary_open(bare_t *world);
void bare_adversary_close(bare_t *world);
/* The first phase with this body, PHASE_NONE when there is none. */
uint8_t bare_phase_with(const bare_t *world, body_t body);
/* Signs (if `sign`) in the name of the liar and sends to the members of the set except oneself. */
void bare_say_to(node_t *node, uint32_t members, const message_t *message, bool sign, bool forged);

/* ---- bare_lies.c: what it then says; true when something was said ---- */
bool bare_lie_equivocate(node_t *node, shared_t *proposal);
bool bare_lie_stale_proposal(node_t *node, const message_t *proposal);
bool bare_lie_stale_claim(node_t *node, const message_t *message);
void bare_lie_vote(node_t *node, const message_t *proposal);
void bare_lie_show_half(node_t *node, view_t view);
bool bare_lie_side_field(node_t *node, member_t to, const message_t *message);
bool bare_lie_invalid(node_t *node, const message_t *proposal);
void bare_lie_far_ahead(node_t *node, const message_t *message);
/* bare_forgery.c */
void bare_lie_relabel(node_t *node, const message_t *message);

/* ---- bare_pool.c: what liars know ---- */
void bare_pool_learn(bare_t *world, const message_t *message);
void bare_pool_close(bare_t *world);
/* A random one of this phase below this view; NULL when none is known. */
const certificate_t *bare_pool_older(bare_t *world, uint8_t phase, view_t below);
/* Same view, other content. */
const certificate_t *bare_pool_rival(bare_t *world, const certificate_t *certificate);
const certificate_t *bare_pool_of_view(bare_t *world, uint8_t phase, view_t view);
/* A random message that a liar heard or said; NULL when there is none. */
shared_t *bare_pool_message(bare_t *world);
void bare_pool_keep(bare_t *world, shared_t *shared);

#endif
