/* What a bench prints: for people, or one object of JSON. */
#include <stdio.h>

#include "cli/bench.h"

typedef struct figures {
    double operations, rate, cpu_us, client_us, generator_us, bytes, journal_bytes, grown_bytes;
    double requests_a_block, syncs_a_block;
    block_sizes_t blocks;
} figures_t;

/* Bytes are told in these groups. */
typedef enum group { REQUESTS = 0, MESSAGES, REPLIES, OTHERS, GROUPS } group_t;
static const char *const group_names[GROUPS] = {"requests", "messages", "replies", "others"};

static const char *const stage_names[STAGE_COUNT] = {
    [STAGE_LOOP] = "event loop, reading sockets",
    [STAGE_TLS] = "TLS",
    [STAGE_WRITE_SOCKET] = "writing sockets",
    [STAGE_GATE] = "gate, mempool, sessions' answers",
    [STAGE_REQUEST_SIGNATURE] = "signatures of requests",
    [STAGE_MESSAGE_SIGNATURE] = "signatures of members",
    [STAGE_HASH] = "hashing payloads",
    [STAGE_CORE] = "consensus core",
    [STAGE_JOURNAL] = "journal records",
    [STAGE_DISK] = "journal write and sync",
    [STAGE_EXECUTE] = "execution",
    [STAGE_ROOT] = "state root",
    [STAGE_REPLY] = "replies",
};
static const char *const stage_keys[STAGE_COUNT] = {
    "loop", "tls",  "write_socket", "gate", "request_signature", "message_signature",
    "hash", "core", "journal",      "disk", "execute",           "root",
    "reply"};

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

static double ms(const bench_t *bench, double part) {
    return (double)histogram_quantile_ns(bench->latencies, part) / 1e6;
}

static double group_bytes(const bench_t *b, group_t group) {
    uint64_t bytes = group == REQUESTS ? b->to.client_bytes - b->from.client_bytes : 0;
    for (uint32_t kind = 0; kind < FRAME_KIND_END; kind++)
        if (group_of(kind) == group)
            bytes += b->to.bytes[kind] - b->from.bytes[kind];
    return per((double)bytes, (double)(b->to.completed - b->from.completed));
}

static figures_t work_out(bench_t *b) {
    const reading_t *from = &b->from, *to = &b->to;
    figures_t f = {.operations = (double)(to->completed - from->completed),
                   .blocks = bench_block_sizes(b)};
    double blocks = per(f.operations, f.blocks.mean);
    f.rate = f.operations * 1e9 / (double)(to->at_ns - from->at_ns);
    f.cpu_us = per((double)(to->cpu_us - from->cpu_us), f.operations);
    f.client_us = per((double)(to->own_cpu_us - from->own_cpu_us), f.operations);
    f.generator_us = per((double)(to->generator_cpu_us - from->generator_cpu_us), f.operations);
    for (group_t group = 0; group < GROUPS; group++)
        f.bytes += group_bytes(b, group);
    f.journal_bytes = per((double)(to->journal_bytes - from->journal_bytes), f.operations);
    f.grown_bytes = per((double)(to->grown_bytes - from->grown_bytes), f.operations);
    f.requests_a_block = per((double)(to->requests - from->requests), blocks);
    f.syncs_a_block = per((double)(to->writes - from->writes), blocks * b->cluster.size);
    return f;
}

/* What no stage has: the client's library and the load, and what threads did outside of stages. */
static double unnamed_us(const bench_t *b, const figures_t *f) {
    double named = f->client_us;
    for (uint32_t stage = 0; stage < STAGE_COUNT; stage++)
        named +=
            per((double)(b->to.stage_ns[stage] - b->from.stage_ns[stage]) / 1e3, f->operations);
    return f->cpu_us - named;
}

static double stage_us(const bench_t *b, const figures_t *f, uint32_t stage) {
    return per((double)(b->to.stage_ns[stage] - b->from.stage_ns[stage]) / 1e3, f->operations);
}

static void print_stage(const char *name, double us, const figures_t *f) {
    printf("    %-34s %8.3f %5.1f %%\n", name, us, 100 * per(us, f->cpu_us));
}

static void print_stages(const bench_t *b, const figures_t *f) {
    printf("  CPU us/operation by stage, over all processes\n");
    for (uint32_t stage = 0; stage < STAGE_COUNT; stage++)
        print_stage(stage_names[stage], stage_us(b, f, stage), f);
    print_stage("client library", f->client_us - f->generator_us, f);
    print_stage("the load itself", f->generator_us, f);
    print_stage("not named", unnamed_us(b, f), f);
}

static void print_text(const bench_t *b, const figures_t *f) {
    printf("\n%s, %s loop, %llu B operations, %llu a signed request, %s%llu\n", b->local.plan.app,
           b->rate == 0 ? "closed" : "open", (unsigned long long)b->payload,
           (unsigned long long)b->batch, b->rate == 0 ? "outstanding requests " : "operations/s ",
           (unsigned long long)(b->rate == 0 ? b->outstanding : b->rate));
    printf("  operations/s        %10.0f\n", f->rate);
    printf("  latency ms          p50 %.2f  p90 %.2f  p99 %.2f  p99.9 %.2f  max %.2f\n", ms(b, 0.5),
           ms(b, 0.9), ms(b, 0.99), ms(b, 0.999), ms(b, 1.0));
    printf("  CPU us/operation    %10.2f  over all processes (client %.2f)\n", f->cpu_us,
           f->client_us);
    printf("  bytes sent/op       %10.1f  over all processes:", f->bytes);
    for (group_t group = 0; group < GROUPS; group++)
        printf(" %s %.1f%s", group_names[group], group_bytes(b, group),
               group + 1 < GROUPS ? "," : "\n");
    printf("  bytes to disk/op    %10.1f  in journals; zeros ahead of them %.1f\n",
           f->journal_bytes, f->grown_bytes);
    printf("  operations a block  %10.1f  p50 %u  max %u  (%.1f requests)\n", f->blocks.mean,
           f->blocks.p50, f->blocks.max, f->requests_a_block);
    printf("  syncs a block       %10.2f  a validator\n", f->syncs_a_block);
    printf("  failed              %10llu\n", (unsigned long long)atomic_load(&b->failed));
    if (b->stages)
        print_stages(b, f);
}

static void print_json(const bench_t *b, const figures_t *f) {
    printf("{\"app\":\"%s\",\"payload\":%llu,\"batch\":%llu,\"operations_per_second\":%.0f,"
           "\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,"
           "\"cpu_us_per_operation\":%.3f,\"client_cpu_us_per_operation\":%.3f",
           b->local.plan.app, (unsigned long long)b->payload, (unsigned long long)b->batch, f->rate,
           ms(b, 0.5), ms(b, 0.9), ms(b, 0.99), ms(b, 1.0), f->cpu_us, f->client_us);
    printf(",\"bytes_per_operation\":%.1f", f->bytes);
    for (group_t group = 0; group < GROUPS; group++)
        printf(",\"%s_bytes_per_operation\":%.1f", group_names[group], group_bytes(b, group));
    printf(",\"journal_bytes_per_operation\":%.1f,\"grown_bytes_per_operation\":%.1f",
           f->journal_bytes, f->grown_bytes);
    printf(",\"operations_per_block\":%.1f,\"operations_per_block_p50\":%u,"
           "\"operations_per_block_max\":%u,\"requests_per_block\":%.1f,\"syncs_per_block\":%.2f,"
           "\"failed\":%llu",
           f->blocks.mean, f->blocks.p50, f->blocks.max, f->requests_a_block, f->syncs_a_block,
           (unsigned long long)atomic_load(&b->failed));
    if (b->stages) {
        for (uint32_t stage = 0; stage < STAGE_COUNT; stage++)
            printf(",\"%s_cpu_us\":%.3f", stage_keys[stage], stage_us(b, f, stage));
        printf(",\"unnamed_cpu_us\":%.3f", unnamed_us(b, f));
    }
    printf("}\n");
}

void bench_print(bench_t *bench) {
    figures_t figures = work_out(bench);
    (bench->json ? print_json : print_text)(bench, &figures);
}
