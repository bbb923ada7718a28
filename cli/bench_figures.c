/* From what was counted to what is told. */
#include <stdlib.h>

#include "cli/bench.h"

const char *const group_names[GROUPS] = {"requests", "messages", "replies", "others"};

static group_t group_of(uint32_t kind) {
    switch (kind) {
    case FRAME_REQUEST:
        return REQUESTS;
    case FRAME_MESSAGE:
        return MESSAGES;
    case FRAME_REPLY:
        return REPLIES;
    default:
        return OTHERS;
    }
}

static double per(double amount, double of) {
    return of == 0 ? 0 : amount / of;
}

double latency_ms(const histogram_t *latencies, double part) {
    return (double)histogram_quantile_ns(latencies, part) / 1e6;
}

static void work_out_bytes(const bench_t *b, figures_t *f, double operations) {
    const reading_t *from = &b->from, *to = &b->to;
    uint64_t bytes[GROUPS] = {[REQUESTS] = to->client_bytes - from->client_bytes};
    for (uint32_t kind = 0; kind < FRAME_KIND_END; kind++)
        bytes[group_of(kind)] += to->bytes[kind] - from->bytes[kind];
    for (group_t group = 0; group < GROUPS; group++) {
        f->group_bytes[group] = per((double)bytes[group], operations);
        f->bytes += f->group_bytes[group];
    }
    f->journal_bytes = per((double)(to->journal_bytes - from->journal_bytes), operations);
    f->grown_bytes = per((double)(to->grown_bytes - from->grown_bytes), operations);
}

/* What no stage has: the client's library and the load, and what threads did outside of stages. */
static void work_out_stages(const bench_t *b, figures_t *f, double operations) {
    f->unnamed_us = f->cpu_us - f->client_us;
    for (uint32_t stage = 0; stage < STAGE_COUNT; stage++) {
        uint64_t ns = b->to.stage_ns[stage] - b->from.stage_ns[stage];
        f->stage_us[stage] = per((double)ns / 1e3, operations);
        f->unnamed_us -= f->stage_us[stage];
    }
}

static int most_first(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

static void work_out_keys(bench_t *b, figures_t *f) {
    uint64_t all = 0, top = 0, few = (b->keys + 99) / 100;
    qsort(b->key_operations, b->keys, sizeof b->key_operations[0], most_first);
    for (uint64_t i = 0; i < b->keys; i++) {
        all += b->key_operations[i];
        top += i < few ? b->key_operations[i] : 0;
    }
    f->hottest_share = per((double)b->key_operations[0], (double)all);
    f->top_share = per((double)top, (double)all);
}

/* Open loop: how many operations were due while measuring. Those before a moment are as many as
 * whole periods fit, and the one at the begin. */
static uint64_t due_before(const bench_t *b, uint64_t at_ns) {
    double periods = (double)(at_ns - b->begin_ns) * (double)b->rate / 1e9;
    uint64_t whole = (uint64_t)periods;
    return (double)whole < periods ? whole + 1 : whole;
}

figures_t bench_figures(bench_t *b) {
    const reading_t *from = &b->from, *to = &b->to;
    figures_t f = {.seconds = (double)b->duration_ns / 1e9,
                   .completed = atomic_load(&b->measured),
                   .failed = atomic_load(&b->failed),
                   .reads = b->read_latencies.total,
                   .writes = b->write_latencies.total,
                   .blocks = bench_block_sizes(b)};
    /* CPU and bytes were read a moment off the measured time, so they have a count of their own. */
    double operations = (double)(to->answered - from->answered);
    double blocks = per(operations, f.blocks.mean);
    f.rate = (double)f.completed / f.seconds;
    f.cpu_us = per((double)(to->cpu_us - from->cpu_us), operations);
    f.client_us = per((double)(to->own_cpu_us - from->own_cpu_us), operations);
    f.generator_us = per((double)(to->generator_cpu_us - from->generator_cpu_us), operations);
    f.requests_a_block = per((double)(to->requests - from->requests), blocks);
    f.syncs_a_block = per((double)(to->writes - from->writes), blocks * b->cluster.size);
    if (b->rate != 0) {
        uint64_t due = due_before(b, b->to_ns) - due_before(b, b->from_ns);
        f.unanswered = due > b->latencies.total ? due - b->latencies.total : 0;
    }
    work_out_bytes(b, &f, operations);
    work_out_stages(b, &f, operations);
    work_out_keys(b, &f);
    return f;
}
