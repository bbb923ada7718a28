/* What a bench tells programs: one object. Whatever is in the text is in it, under names that say
 * the unit; then the profile, what happened, and a row for each interval. */
#include "cli/bench.h"

typedef unsigned long long number_t;

static void print_latencies(FILE *to, const histogram_t *h) {
    fprintf(to, "\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f",
            latency_ms(h, 0.5), latency_ms(h, 0.9), latency_ms(h, 0.99), latency_ms(h, 0.999),
            latency_ms(h, 1.0));
}

static void print_figures(FILE *to, const bench_t *b, const figures_t *f) {
    fprintf(to, "\"operations_per_second\":%.0f,\"completed\":%llu,\"seconds\":%.3f,", f->rate,
            (number_t)f->completed, f->seconds);
    print_latencies(to, &b->latencies);
    fprintf(to, ",\"cpu_us_per_operation\":%.3f,\"client_cpu_us_per_operation\":%.3f", f->cpu_us,
            f->client_us);
    fprintf(to, ",\"bytes_per_operation\":%.1f", f->bytes);
    for (group_t group = 0; group < GROUPS; group++)
        fprintf(to, ",\"%s_bytes_per_operation\":%.1f", group_names[group], f->group_bytes[group]);
    fprintf(to, ",\"journal_bytes_per_operation\":%.1f,\"grown_bytes_per_operation\":%.1f",
            f->journal_bytes, f->grown_bytes);
    fprintf(to,
            ",\"operations_per_block\":%.1f,\"operations_per_block_p50\":%u,"
            "\"operations_per_block_max\":%u,\"requests_per_block\":%.1f,\"syncs_per_block\":%.2f",
            f->blocks.mean, f->blocks.p50, f->blocks.max, f->requests_a_block, f->syncs_a_block);
    fprintf(to, ",\"failed\":%llu,\"unanswered\":%llu,\"view_changes\":%llu", (number_t)f->failed,
            (number_t)f->unanswered, (number_t)atomic_load(&b->view_changes));
}

static void print_profile(FILE *to, const bench_t *b, const figures_t *f) {
    fprintf(to,
            ",\"profile\":{\"sizes\":\"%s\",\"reads\":\"%s\",\"queries\":%s,\"spread\":\"%s\","
            "\"keys\":%llu,\"seed\":%llu,\"hottest_key_share\":%.6f,\"top_percent_share\":%.6f}",
            b->sizes, b->reads, b->queries ? "true" : "false", b->spread, (number_t)b->keys,
            (number_t)b->seed, f->hottest_share, f->top_share);
    fprintf(to, ",\"reads\":{\"operations\":%llu,", (number_t)f->reads);
    print_latencies(to, &b->read_latencies);
    fprintf(to, "},\"writes\":{\"operations\":%llu,", (number_t)f->writes);
    print_latencies(to, &b->write_latencies);
    fprintf(to, "}");
}

static void print_marks(FILE *to, const bench_t *b) {
    fprintf(to, ",\"events\":[");
    for (unsigned i = 0; i < atomic_load(&b->mark_count); i++) {
        const mark_t *mark = &b->marks[i];
        char text[120];
        mark_text(mark, text, sizeof text);
        fprintf(to, "%s{\"at_s\":%.3f,\"what\":\"%s\",", i == 0 ? "" : ",",
                (double)mark->at_ns / 1e9, mark_name(mark->kind));
        if (mark->member != MEMBER_NONE)
            fprintf(to, "\"member\":%u,", mark->member);
        if (mark->kind == MARK_VIEW_CHANGE)
            fprintf(to, "\"view\":%llu,", (number_t)mark->view);
        else
            fprintf(to, "\"led\":%s,\"pause_ms\":%.1f,", mark->led ? "true" : "false",
                    (double)atomic_load(&mark->pause_ns) / 1e6);
        fprintf(to, "\"text\":\"%s\"}", text);
    }
    fprintf(to, "]");
}

static void print_series(FILE *to, const bench_t *b) {
    fprintf(to, ",\"interval_ms\":%.3f,\"series\":[", (double)b->interval_ns / 1e6);
    for (uint32_t i = 0; i < b->interval_count; i++) {
        const interval_t *interval = &b->intervals[i];
        fprintf(to, "%s\n{\"at_s\":%.3f,\"completed\":%llu,\"failed\":%llu,\"rate\":%.0f",
                i == 0 ? "" : ",", interval_begin_s(b, i), (number_t)interval->latencies.total,
                (number_t)interval->failed, interval_rate(b, i));
        if (interval->latencies.total > 0) { /* no answer has no latency */
            fprintf(to, ",");
            print_latencies(to, &interval->latencies);
        }
        fprintf(to, "}");
    }
    fprintf(to, "]");
}

void bench_print_json(FILE *to, const bench_t *b, const figures_t *f) {
    fprintf(to,
            "{\"app\":\"%s\",\"protocol\":\"%s\",\"n\":%u,\"dead\":%llu,\"leader_views\":%llu,"
            "\"durability\":\"%s\",\"loop\":\"%s\",\"rate\":%llu,\"outstanding\":%llu,"
            "\"payload\":%u,\"batch\":%llu,",
            b->local.plan.app, b->local.plan.protocol, b->cluster.size, (number_t)b->dead,
            (number_t)b->local.plan.leader_views, b->local.plan.durability,
            b->rate == 0 ? "closed" : "open", (number_t)b->rate,
            (number_t)(b->rate == 0 ? b->outstanding : 0), profile_size_max(&b->profile),
            (number_t)b->batch);
    print_figures(to, b, f);
    if (b->stages) {
        for (uint32_t stage = 0; stage < STAGE_COUNT; stage++)
            fprintf(to, ",\"%s_cpu_us\":%.3f", meter_stage_names[stage].name, f->stage_us[stage]);
        fprintf(to, ",\"unnamed_cpu_us\":%.3f", f->unnamed_us);
    }
    print_profile(to, b, f);
    print_marks(to, b);
    print_series(to, b);
    fprintf(to, "}\n");
}
