/* Bare cores on a simulated network: n cores of one registered protocol, each with a simulated disk
 * and a simulated mempool, but without replica. Everything follows from the seed: the same options
 * give the same events and the same trace hash on every machine.
 *
 * Two ways to use it. bare_run plays a whole run with random faults and judges it (the sweep).
 * bare_open with bare_options_quiet gives a world without chance, which a test moves on by hand:
 * it watches, drops, holds and forges messages, and stops nodes at exact points.
 *
 * Members are honest or liars (`behaviours`). Nothing signs for an honest member but the outbox of
 * its node; liars sign for themselves only. Judged are the honest members, whatever the others do.
 */
#ifndef SIM_BARE_H
#define SIM_BARE_H

#include "protocol/protocol.h"

#define BARE_MEMBERS_MAX 16
#define BARE_ALL MEMBER_NONE /* instead of one member */

/* What a liar does beside running the protocol; any of them together. */
enum {
    BEHAVIOUR_SCRIPTED = 1 << 0,   /* nothing by itself: the test may forge in its name */
    BEHAVIOUR_SILENT = 1 << 1,     /* nothing that its core says leaves */
    BEHAVIOUR_WITHHOLD = 1 << 2,   /* what it says reaches a random part of the others */
    BEHAVIOUR_TWINS = 1 << 3,      /* two cores with one key, each talks to half of the honest */
    BEHAVIOUR_EQUIVOCATE = 1 << 4, /* two blocks in a view, one for each half */
    BEHAVIOUR_VOTE_ALL = 1 << 5,   /* votes for each proposal of each view, to every collector */
    BEHAVIOUR_STALE = 1 << 6,      /* proposes on and claims old certificates */
    BEHAVIOUR_RELABEL = 1 << 7,    /* alters signed fields after signing (attacks Q3, Q4) */
    BEHAVIOUR_SIDE_FIELD = 1 << 8, /* signs votes and time-outs with fields nobody expects (Q7) */
    BEHAVIOUR_INVALID = 1 << 9     /* proposes payloads that no client asked for */
};
#define BEHAVIOUR_COUNT 10

/* Faults that struck, by kind. */
typedef enum bare_fault {
    FAULT_LOSS = 0,
    FAULT_DUPLICATE,
    FAULT_WILD_DELAY,
    FAULT_CUT,
    FAULT_CRASH,
    FAULT_POWER_CUT,
    FAULT_SILENT,
    FAULT_WITHHOLD,
    FAULT_TWINS,
    FAULT_EQUIVOCATE,
    FAULT_VOTE_ALL,
    FAULT_STALE,
    FAULT_RELABEL,
    FAULT_SIDE_FIELD,
    FAULT_INVALID,
    FAULT_COUNT
} bare_fault_t;

/* What was violated. */
typedef enum bare_oracle {
    ORACLE_NONE = 0,
    ORACLE_AGREEMENT,  /* two honest members hold different blocks final at one height */
    ORACLE_PREFIX,     /* a final block does not extend what its member held final */
    ORACLE_VALIDITY,   /* a final block holds what no client asked for, or holds it twice */
    ORACLE_PROOF,      /* the proof of finality does not prove it */
    ORACLE_CONFLICT,   /* an honest member said two things in one slot */
    ORACLE_DURABILITY, /* a promise left before the record that it depends on was durable */
    ORACLE_ACCUSATION, /* an honest member stands convicted */
    ORACLE_FORGERY,    /* a message with an altered signed field was let in */
    ORACLE_LIVENESS,   /* after the network healed a request is not delivered in time */
    ORACLE_IDLE,       /* nothing is to do and a member does not come to rest */
    ORACLE_BOUNDS,     /* more or larger records than declared */
    ORACLE_PURITY,     /* a step on a copy of the state did something else */
    ORACLE_HALT,       /* an honest core gave up */
    ORACLE_COUNT
} bare_oracle_t;

const char *bare_oracle_name(bare_oracle_t oracle);
const char *bare_fault_name(bare_fault_t fault);

typedef struct bare_options {
    uint64_t seed;
    const char *protocol; /* NULL: the default one */
    uint32_t members;
    parameters_t parameters;
    uint16_t behaviours[BARE_MEMBERS_MAX]; /* BEHAVIOUR_ bits; 0: honest */
    uint32_t lies_per_million;             /* how often a liar that could lie does */
    /* clients: requests come at random times before requests_until_ns, to all members or first to
     * one and after retry_ns to all */
    uint32_t requests;
    uint64_t requests_until_ns, retry_ns;
    uint32_t batch_max; /* requests a block */
    /* network; wild delay, loss, duplicates and partitions only before gst_ns */
    uint64_t delay_min_ns, delay_max_ns, delay_wild_ns, gst_ns;
    uint32_t wild_per_million, loss_per_million, duplicate_per_million;
    uint32_t partitions; /* changes of who reaches whom */
    /* nodes */
    uint64_t sync_min_ns, sync_max_ns; /* one group commit */
    uint64_t slow_sync_max_ns;         /* the same at members with a slow disk */
    uint32_t slow_disks;               /* bit set of members */
    uint64_t verdict_max_ns, payload_max_ns, execute_max_ns;
    uint64_t clock_offset_max_ns;
    uint32_t amber_per_million;
    bool sync;                    /* a restarted node asks others for what became final meanwhile */
    uint32_t crashes, power_cuts; /* at random times before gst_ns; a power cut stops all */
    uint32_t crash_at_sync_per_million;
    uint64_t down_max_ns;
    /* judgement; 0 switches it off */
    uint32_t heal_timeouts_max; /* base time-outs from healed to everything delivered everywhere */
    uint32_t idle_timeouts_max; /* base time-outs from everything delivered to rest */
    /* Optional listener: one line of text for each thing that happens. */
    void (*line)(void *context, const char *text);
    void *line_context;
} bare_options_t;

#define BARE_TEXT_MAX 400

typedef struct bare_report {
    bare_oracle_t violated;
    char text[BARE_TEXT_MAX]; /* what, who, when; empty when nothing was violated */
    uint64_t at_ns;
    uint64_t hash; /* of the trace */
    uint64_t events, steps, messages, refused, admitted_not;
    uint64_t signatures; /* that cores asked for */
    uint64_t faults[FAULT_COUNT];
    uint64_t requests_delivered;   /* at the member that has most */
    uint64_t blocks, blocks_empty; /* final ones */
    uint64_t views;                /* highest entered by an honest member */
    uint64_t views_failed;         /* most left by time-out at one honest member */
    uint64_t timeouts;             /* deadlines that fired at honest members */
    uint64_t convictions;          /* evidence that convicts a liar */
    uint64_t heal_timeouts;        /* base time-outs it took to deliver everything after healing */
    bool vacuous;                  /* nothing committed, no view failed or no fault struck */
} bare_report_t;

/* All knobs from one seed, at most f liars. */
bare_options_t bare_options_of(uint64_t seed);
/* f + 1 liars that vote for all, equivocate and are stale: forks must be seen. */
bare_options_t bare_options_beyond(uint64_t seed);
/* No chance and no faults: every delay is fixed. */
bare_options_t bare_options_quiet(uint32_t members);
/* One run, judged. */
void bare_run(const bare_options_t *options, bare_report_t *report);

/* ---- by hand ---- */

typedef struct bare bare_t;

/* A world at time 0 in which every member has started. NULL: unknown protocol or bad options. */
bare_t *bare_open(const bare_options_t *options);
void bare_close(bare_t *world);
const bare_report_t *bare_report(const bare_t *world);
uint64_t bare_now_ns(const bare_t *world);
const committee_t *bare_committee(const bare_t *world);
const digest_t *bare_anchor(const bare_t *world);

/* One event; false when there is none. */
bool bare_step(bare_t *world);
void bare_until(bare_t *world, uint64_t now_ns);
/* Until nothing but timers is left (time does not pass beyond the last event), or `limit_ns`. */
void bare_settle(bare_t *world, uint64_t limit_ns);
/* Until all honest members that are up delivered all requests and rest; false at `limit_ns`. */
bool bare_finish(bare_t *world, uint64_t limit_ns);

/* A new request that comes to one member, or to all, now; its number, from 0. */
uint32_t bare_request(bare_t *world, member_t member);
/* The same request comes to another member. */
void bare_request_again(bare_t *world, uint32_t request, member_t member);
bool bare_delivered(const bare_t *world, member_t member, uint32_t request);
/* Final there, and executed there. */
height_t bare_height(const bare_t *world, member_t member);
height_t bare_executed(const bare_t *world, member_t member);
progress_t bare_progress(const bare_t *world, member_t member);
/* Deadlines that are set at a member. */
uint32_t bare_timers(const bare_t *world, member_t member);
/* Bytes of live durable records with this key; NULL data when there is none. */
bytes_t bare_record(const bare_t *world, member_t member, uint32_t key);
bool bare_up(const bare_t *world, member_t member);

void bare_crash(bare_t *world, member_t member);
void bare_restart(bare_t *world, member_t member);
/* From the anchor that another member holds final. */
void bare_jump(bare_t *world, member_t member, member_t from);

/* Points of one group commit at which a node can be stopped (schedule X11). */
typedef enum bare_point {
    POINT_NONE = 0,
    POINT_BEFORE_WRITE, /* nothing of it survives */
    POINT_AFTER_WRITE,  /* the first half of its operations survives, nothing has left */
    POINT_AFTER_SYNC,   /* it survives, nothing has left */
    POINT_MID_SEND,     /* the first message has left, for half of the members */
    POINT_AFTER_SEND
} bare_point_t;
/* The node stops at that point of its group commit with this number (counted from 1 over its life).
 */
void bare_trap(bare_t *world, member_t member, uint64_t commit, bare_point_t point);
uint64_t bare_commits(const bare_t *world, member_t member);
/* From now on group commits of this member take so long. */
void bare_slow_disk(bare_t *world, member_t member, uint64_t sync_ns);
/* From now on messages take so long. */
void bare_slow_network(bare_t *world, uint64_t delay_ns);
/* Members in `from` do not reach members in `to` (bit sets); two calls cut both ways. */
void bare_cut(bare_t *world, uint32_t from, uint32_t to);
void bare_heal(bare_t *world);

typedef enum bare_fate { FATE_DELIVER = 0, FATE_DROP, FATE_HOLD } bare_fate_t;

/* One message on its way to one member (never to oneself). */
typedef struct bare_letter {
    uint64_t now_ns;
    member_t from, to;
    uint8_t phase;
    view_t view;
    const message_t *message;
} bare_letter_t;

typedef bare_fate_t bare_filter_t(void *context, const bare_letter_t *letter);
void bare_filter(bare_t *world, bare_filter_t *filter, void *context);
/* Keeps the message of a letter until the world closes. */
const message_t *bare_keep(bare_t *world, const bare_letter_t *letter);
/* Sends held messages on their way, in the order in which they were held; the filter is not asked.
 */
void bare_release(bare_t *world);

/* A message in the name of a liar, signed by it if `sign` (else as it stands), to one or to all. It
 * comes over the liar's own links. */
void bare_forge(bare_t *world, member_t liar, member_t to, const message_t *message, bool sign);
/* A signature of a liar under any statement. */
signature_t bare_sign(const bare_t *world, member_t liar, const statement_t *statement);

#endif
