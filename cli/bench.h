/* synod bench, its parts: bench.c the verb, bench_load.c what is submitted and answered,
 * bench_run.c the course of a run, bench_strike.c what is done to validators and when,
 * bench_watch.c changes of view, bench_reading.c what is read and worked out, bench_print.c,
 * bench_json.c and bench_html.c what is told.
 *
 * Threads: the caller leads the run (it starts and kills processes, which end with the thread that
 * started them); one submits; one asks the validators where they stand; the client has its own, on
 * which answers come. What they share is atomic, or written before the others begin. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include <stdatomic.h>
#include <stdio.h>
#include <uv.h>

#include "adapter/meter.h"
#include "cli/histogram.h"
#include "cli/local.h"
#include "cli/profile.h"

#define STARTS (1u << 20) /* more than can be outstanding */
/* Blocks whose operations are counted, from the first of the chain: an hour at 1,000 a second. */
#define BLOCKS_COUNTED (1u << 22)
/* Each has a histogram of 14 KiB. */
#define INTERVALS_MAX 1000u
#define STRIKES_MAX 16u
#define MARKS_MAX 256u

/* Everything that counts up, at one moment. CPU in us. */
typedef struct reading {
    uint64_t at_ns, answered, requests;
    uint64_t cpu_us, own_cpu_us, generator_cpu_us; /* all; this process; its loading thread */
    uint64_t client_bytes, bytes[FRAME_KIND_END];
    uint64_t writes, journal_bytes, grown_bytes;
    uint64_t stage_ns[STAGE_COUNT];
} reading_t;

/* What is to be done to a validator, and what happened. Times from the begin of what is measured.
 */
typedef enum mark_kind {
    MARK_KILL = 0,
    MARK_RESTART,
    /* misbehaves from here on: node/misbehave.h */
    MARK_EQUIVOCATE,
    MARK_WITHHOLD,
    MARK_SILENT,
    MARK_DELAY, /* amount: percent of the view time-out */
    MARK_SLOW,  /* amount: microseconds */
    MARK_VIEW_CHANGE,
    MARK_KINDS
} mark_kind_t;
#define STRIKE_LEADER UINT32_MAX /* whoever leads then; restart: who was killed last */

typedef struct strike {
    mark_kind_t kind;
    uint32_t member;
    uint64_t at_ns, amount;
} strike_t;

typedef struct mark {
    mark_kind_t kind;
    bool led;        /* it was the leader */
    uint32_t member; /* struck; of a change of view the new leader, MEMBER_NONE: not known */
    uint64_t at_ns, view, amount;
    /* of a strike: the longest time without any answer, until the next strike */
    atomic_uint_fast64_t pause_ns;
} mark_t;

/* What was answered in one interval. */
typedef struct interval {
    uint64_t failed;
    histogram_t latencies;
} interval_t;

typedef struct started {
    uint64_t at_ns; /* when it was, or should have been, submitted */
    bool read;
} started_t;

typedef struct bench {
    const verb_t *verb;
    local_options_t local;
    profile_t profile;
    const char *sizes, *reads, *spread, *kill, *restart, *byzantine, *html;
    bool json, stages, queries;
    uint64_t batch, outstanding, keys, rate, seed, duration_ns, interval_ns, sync_delay_ns, dead;
    char made_folder[64];
    cluster_t cluster;
    atomic_bool up[CLUSTER_MAX];      /* the process runs, as far as we know */
    atomic_bool answers[CLUSTER_MAX]; /* it answered in this life */
    meter_t *meters[CLUSTER_MAX];
    synod_client *client;
    /* the load */
    uint64_t submitted;
    draw_t next;
    bool drawn; /* `next` was refused and comes again: a load does not lose what the client refuses
                 */
    started_t *starts;        /* of operation i % STARTS */
    uint32_t *key_operations; /* by key, while measuring */
    atomic_bool ending;
    atomic_uint_fast64_t generator_cpu_us; /* of the thread that submits */
    reading_t from, to, gone;              /* gone: counted by processes that were killed */
    /* what is measured, on the monotonic clock; set before the load begins */
    uint64_t begin_ns, from_ns, to_ns;
    /* by callbacks */
    atomic_uint_fast64_t completed, answered, failed, measured;
    uint64_t last_answer_ns;
    /* closed loop: the load sleeps until so many operations have completed */
    atomic_uint_fast64_t awaited;
    uv_mutex_t mutex;
    uv_cond_t reached;
    histogram_t latencies, read_latencies, write_latencies;
    interval_t *intervals;
    uint32_t interval_count;
    uint32_t *block_operations; /* by height: those answered while measuring */
    /* strikes, and what the watch saw */
    strike_t strikes[STRIKES_MAX];
    uint32_t strike_count, strikes_done, strikes_hit;
    uv_mutex_t marks_mutex;
    mark_t marks[MARKS_MAX];
    atomic_uint mark_count;
    atomic_uint struck; /* 1 + the mark of the last strike; 0: none yet */
    atomic_uint leader; /* as last seen; MEMBER_NONE: not yet */
    atomic_uint_fast64_t view, view_changes;
} bench_t;

/* Operations of the blocks that lie whole in the measured time. */
typedef struct block_sizes {
    uint64_t blocks;
    double mean;
    uint32_t p50, max;
} block_sizes_t;

/* ---- bench_load.c ---- */
int bench_open_client(bench_t *bench, uint64_t batch, uint64_t outstanding);
/* Sets every key once, so that what is measured is a state of that size and not its growth. -1, or
 * the exit code. */
int bench_preload(bench_t *bench);
/* A thread: submits until `ending`. */
void bench_load(void *bench);
/* Something was answered now, or the measured time ends. */
void bench_note_pause(bench_t *bench, uint64_t now_ns);

/* ---- bench_run.c ---- */
/* A load beside a running chain. -1, or the exit code when a validator ended by itself. */
int bench_run(bench_t *bench);

/* ---- bench_strike.c ---- */
/* Kills those of --dead. They count no more, and nothing tells of it as of a strike. */
void bench_kill_dead(bench_t *bench);
/* Reads --kill, --restart and --byzantine. -1, or the exit code. */
int strikes_read(bench_t *bench);
/* Carries out what is due. */
void strikes_advance(bench_t *bench, uint64_t now_ns);
/* The mark of something that happens now; NULL: there are too many. */
mark_t *bench_mark(bench_t *bench, mark_kind_t kind, uint32_t member);
const char *mark_name(mark_kind_t kind);
/* "validator 0, which led, was killed" */
void mark_text(const mark_t *mark, char *to, size_t to_size);

/* ---- bench_watch.c ---- */
/* A thread: asks until `ending`. */
void bench_watch(void *bench);

/* ---- bench_reading.c ---- */
/* False: a validator does not count (its file `meter`). */
bool bench_open_meters(bench_t *bench);
void bench_close_meters(bench_t *bench);
void bench_read(bench_t *bench, reading_t *reading);
/* Before this validator is killed: keeps what it counted. */
void bench_keep_counts(bench_t *bench, uint32_t member);
block_sizes_t bench_block_sizes(bench_t *bench);

/* ---- what is told ---- */
/* Bytes are told in these groups. */
typedef enum group { REQUESTS = 0, MESSAGES, REPLIES, OTHERS, GROUPS } group_t;
extern const char *const group_names[GROUPS];

typedef struct figures {
    double seconds, rate, cpu_us, client_us, generator_us, journal_bytes, grown_bytes;
    double bytes, group_bytes[GROUPS];
    double stage_us[STAGE_COUNT], unnamed_us;
    double requests_a_block, syncs_a_block;
    double hottest_share, top_share; /* of the operations, those on one key and on 1 % of keys */
    uint64_t completed, failed, reads, writes;
    uint64_t unanswered; /* open loop: were due in the measured time and had no answer at its end */
    block_sizes_t blocks;
} figures_t;

/* Once: sorts what was counted. */
figures_t bench_figures(bench_t *bench);
double latency_ms(const histogram_t *latencies, double part);
void bench_print_text(const bench_t *bench, const figures_t *figures);
void bench_print_json(FILE *to, const bench_t *bench, const figures_t *figures);
/* One page with everything in it. */
void bench_print_html(FILE *to, const bench_t *bench, const figures_t *figures);
/* From the begin of what is measured, in seconds. */
double interval_begin_s(const bench_t *bench, uint32_t interval);
double interval_rate(const bench_t *bench, uint32_t interval);

#endif
