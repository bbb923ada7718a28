/* What a bench tells people on a terminal. */
#include "cli/bench.h"

static void print_stage(const char *name, double us, const figures_t *f) {
    printf("    %-34s %8.3f %5.1f %%\n", name, us, f->cpu_us == 0 ? 0 : 100 * us / f->cpu_us);
}

static void print_stages(const figures_t *f) {
    printf("  CPU us/operation by stage, over all processes\n");
    for (uint32_t stage = 0; stage < STAGE_COUNT; stage++)
        print_stage(meter_stage_names[stage].text, f->stage_us[stage], f);
    print_stage("client library", f->client_us - f->generator_us, f);
    print_stage("the load itself", f->generator_us, f);
    print_stage("not named", f->unnamed_us, f);
}

static void print_latencies(const char *name, const histogram_t *h) {
    printf("  %-19s p50 %.2f  p90 %.2f  p99 %.2f  p99.9 %.2f  max %.2f\n", name, latency_ms(h, 0.5),
           latency_ms(h, 0.9), latency_ms(h, 0.99), latency_ms(h, 0.999), latency_ms(h, 1.0));
}

static void print_marks(const bench_t *b) {
    char text[120];
    for (unsigned i = 0; i < atomic_load(&b->mark_count); i++) {
        const mark_t *mark = &b->marks[i];
        mark_text(mark, text, sizeof text);
        printf("  at %6.2f s         %s", (double)mark->at_ns / 1e9, text);
        if (mark->kind != MARK_VIEW_CHANGE)
            printf("; longest time without an answer then %.2f s",
                   (double)atomic_load(&mark->pause_ns) / 1e9);
        printf("\n");
    }
}

static void print_load(const bench_t *b, const figures_t *f) {
    printf("\n%s, %s loop, %s B operations, %llu a signed request, %s%llu\n", b->local.plan.app,
           b->rate == 0 ? "closed" : "open", b->sizes, (unsigned long long)b->batch,
           b->rate == 0 ? "outstanding requests " : "operations/s ",
           (unsigned long long)(b->rate == 0 ? b->outstanding : b->rate));
    printf("  %s of %llu keys (the first took %.2f %% of all, 1 %% of them %.1f %%), %llu reads%s, "
           "%llu writes\n",
           b->spread, (unsigned long long)b->keys, 100 * f->hottest_share, 100 * f->top_share,
           (unsigned long long)f->reads, b->queries ? " by query" : "",
           (unsigned long long)f->writes);
    if (b->dead > 0)
        printf("  %llu of %u validators dead from the start\n", (unsigned long long)b->dead,
               b->cluster.size);
}

void bench_print_text(const bench_t *b, const figures_t *f) {
    print_load(b, f);
    printf("  operations          %10llu  in %.2f s\n", (unsigned long long)f->completed,
           f->seconds);
    printf("  operations/s        %10.0f\n", f->rate);
    print_latencies("latency ms", &b->latencies);
    if (f->reads > 0) {
        print_latencies("  of reads", &b->read_latencies);
        print_latencies("  of writes", &b->write_latencies);
    }
    printf("  CPU us/operation    %10.2f  over all processes (client %.2f)\n", f->cpu_us,
           f->client_us);
    printf("  bytes sent/op       %10.1f  over all processes:", f->bytes);
    for (group_t group = 0; group < GROUPS; group++)
        printf(" %s %.1f%s", group_names[group], f->group_bytes[group],
               group + 1 < GROUPS ? "," : "\n");
    printf("  bytes to disk/op    %10.1f  in journals; zeros ahead of them %.1f\n",
           f->journal_bytes, f->grown_bytes);
    printf("  operations a block  %10.1f  p50 %u  max %u  (%.1f requests)\n", f->blocks.mean,
           f->blocks.p50, f->blocks.max, f->requests_a_block);
    printf("  syncs a block       %10.2f  a validator\n", f->syncs_a_block);
    printf("  failed              %10llu\n", (unsigned long long)f->failed);
    if (b->rate != 0)
        printf("  without an answer   %10llu  of those that were due\n",
               (unsigned long long)f->unanswered);
    printf("  changes of view     %10llu\n", (unsigned long long)atomic_load(&b->view_changes));
    print_marks(b);
    if (b->stages)
        print_stages(f);
}
