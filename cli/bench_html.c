/* What a bench shows: one page without scripts or outside resources, well-formed as XML too. Every
 * text in it is ours or was judged, so that nothing needs escaping. */
#include "cli/bench.h"
#include "cli/bench_chart.h"

typedef unsigned long long number_t;

static const char style[] =
    ":root{color-scheme:light dark;--back:#fff;--ink:#1c2430;--dim:#667;--rule:#dde;--bar:#7aa6d8;"
    "--a:#1b6ac9;--b:#0b8a6a;--c:#c77700;--d:#b3261e;--kill:#b3261e;--other:#6b4fb3}\n"
    "@media (prefers-color-scheme:dark){:root{--back:#14181f;--ink:#e4e8ef;--dim:#9aa4b5;"
    "--rule:#2b3340;--bar:#3f6ea6;--a:#6fb0ff;--b:#4fd1ab;--c:#ffb454;--d:#ff7b72;--kill:#ff7b72;"
    "--other:#b39dff}}\n"
    "body{background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif;margin:2rem "
    "auto;max-width:62rem;padding:0 1rem}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}"
    "p,caption{color:var(--dim);text-align:left}svg{width:100%;height:auto;font:12px "
    "system-ui,sans-serif}\n"
    ".grid{stroke:var(--rule)}.tick{stroke:var(--dim)}.scale,.unit{fill:var(--dim)}.bar{fill:var("
    "--bar)}.line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}"
    ".p50{stroke:var(--a)}.p90{stroke:var(--b)}.p99{stroke:var(--c)}.max{stroke:var(--d);"
    "stroke-dasharray:2 4}\n"
    ".mark{stroke-width:1.5;stroke-dasharray:5 3}.mark,.badge{stroke:var(--kill);fill:var(--kill)}"
    ".restart,.view-change{stroke:var(--other);fill:var(--other)}.badge{stroke:none}"
    ".on{fill:var(--back);font-weight:600;font-size:11px}\n"
    ".key{display:inline-block;width:1.6rem;border-top:3px solid;vertical-align:middle;margin:0 "
    ".4rem 0 1rem}.key.p50{color:var(--a)}.key.p90{color:var(--b)}.key.p99{color:var(--c)}"
    ".key.max{color:var(--d);border-top-style:dotted}\n"
    "table{border-collapse:collapse;margin:.5rem 0}td,th{border-bottom:1px solid var(--rule);"
    "padding:.2rem .8rem .2rem 0;text-align:right;font-variant-numeric:tabular-nums}"
    "th:first-child,td.text{text-align:left}.wide{overflow-x:auto}";

static const char *const line_names[] = {"p50", "p90", "p99", "max"};
static const double line_parts[] = {0.5, 0.9, 0.99, 1.0};
#define LINES 4

static double interval_end_s(const bench_t *b, uint32_t i) {
    double end = interval_begin_s(b, i + 1), last = (double)b->duration_ns / 1e9;
    return end < last ? end : last;
}

static void print_marks_on(const chart_t *chart, const bench_t *b) {
    for (unsigned i = 0; i < atomic_load(&b->mark_count); i++)
        chart_mark(chart, mark_name(b->marks[i].kind), (double)b->marks[i].at_ns / 1e9, i + 1);
}

static void print_throughput(FILE *to, const bench_t *b, const figures_t *f) {
    double most = 1;
    for (uint32_t i = 0; i < b->interval_count; i++)
        most = interval_rate(b, i) > most ? interval_rate(b, i) : most;
    fprintf(to, "<h2>Throughput</h2>\n");
    chart_t chart = chart_open(to, "Throughput over time", "operations/s, answered", f->seconds, 0,
                               most, false);
    for (uint32_t i = 0; i < b->interval_count; i++) {
        char tip[96];
        snprintf(tip, sizeof tip, "%.2f to %.2f s: %.0f operations/s", interval_begin_s(b, i),
                 interval_end_s(b, i), interval_rate(b, i));
        chart_bar(&chart, interval_begin_s(b, i), interval_end_s(b, i), interval_rate(b, i), tip);
    }
    print_marks_on(&chart, b);
    chart_close(&chart);
}

static void print_latency_lines(const chart_t *chart, const bench_t *b) {
    static double at_s[INTERVALS_MAX], values[INTERVALS_MAX];
    for (uint32_t line = LINES; line-- > 0;) {
        for (uint32_t i = 0; i < b->interval_count; i++) {
            at_s[i] = (interval_begin_s(b, i) + interval_end_s(b, i)) / 2;
            values[i] = latency_ms(&b->intervals[i].latencies, line_parts[line]);
        }
        chart_line(chart, line_names[line], at_s, values, b->interval_count);
    }
}

static void print_latency(FILE *to, const bench_t *b, const figures_t *f) {
    double least = latency_ms(&b->latencies, 0), most = latency_ms(&b->latencies, 1);
    for (uint32_t i = 0; i < b->interval_count; i++) {
        const histogram_t *latencies = &b->intervals[i].latencies;
        if (latencies->total == 0)
            continue;
        double p50 = latency_ms(latencies, 0.5), max = latency_ms(latencies, 1);
        least = p50 < least || i == 0 ? p50 : least;
        most = max > most ? max : most;
    }
    least = least < 0.001 ? 0.001 : least;
    fprintf(to, "<h2>Latency</h2>\n<p>of what was answered in each interval%s</p>\n<p>",
            b->rate == 0 ? "" : ", counted from when it was due");
    for (uint32_t line = 0; line < LINES; line++)
        fprintf(to, "<span class=\"key %s\"></span>%s", line_names[line], line_names[line]);
    fprintf(to, "</p>\n");
    chart_t chart = chart_open(to, "Latency over time", "latency, ms (decades)", f->seconds, least,
                               most > least ? most : least * 2, true);
    print_latency_lines(&chart, b);
    print_marks_on(&chart, b);
    chart_close(&chart);
}

static void print_events(FILE *to, const bench_t *b) {
    unsigned count = atomic_load(&b->mark_count);
    if (count == 0)
        return;
    fprintf(to,
            "<h2>Events</h2>\n<div class=\"wide\"><table id=\"events\"><tr><th>mark</th><th>at, "
            "s</th><th>what</th><th>longest time without an answer then, s</th></tr>\n");
    for (unsigned i = 0; i < count; i++) {
        const mark_t *mark = &b->marks[i];
        char text[120], pause[32] = "";
        mark_text(mark, text, sizeof text);
        if (mark->kind != MARK_VIEW_CHANGE)
            snprintf(pause, sizeof pause, "%.3f", (double)atomic_load(&mark->pause_ns) / 1e9);
        fprintf(to, "<tr><td>%u</td><td>%.3f</td><td class=\"text\">%s</td><td>%s</td></tr>\n",
                i + 1, (double)mark->at_ns / 1e9, text, pause);
    }
    fprintf(to, "</table></div>\n");
}

static void print_row(FILE *to, const char *name, const histogram_t *h) {
    fprintf(to, "<tr><th>%s</th><td>%llu</td>", name, (number_t)h->total);
    static const double parts[] = {0.5, 0.9, 0.99, 0.999, 1};
    for (uint32_t i = 0; i < 5; i++)
        fprintf(to, "<td>%.3f</td>", latency_ms(h, parts[i]));
    fprintf(to, "</tr>\n");
}

static void print_figure(FILE *to, const char *name, double value, int digits, const char *unit) {
    fprintf(to, "<tr><th>%s</th><td>%.*f</td><td class=\"text\">%s</td></tr>\n", name, digits,
            value, unit);
}

static void print_figures(FILE *to, const bench_t *b, const figures_t *f) {
    fprintf(to, "<h2>Figures</h2>\n<table id=\"figures\">\n");
    print_figure(to, "operations", (double)f->completed, 0, "answered while measuring");
    print_figure(to, "throughput", f->rate, 0, "operations/s");
    print_figure(to, "failed", (double)f->failed, 0, "operations");
    if (b->rate != 0)
        print_figure(to, "without an answer", (double)f->unanswered, 0, "of those due");
    print_figure(to, "changes of view", (double)atomic_load(&b->view_changes), 0, "");
    print_figure(to, "CPU", f->cpu_us, 2, "us an operation, all processes");
    print_figure(to, "sent", f->bytes, 1, "bytes an operation, all processes");
    print_figure(to, "to disk", f->journal_bytes, 1, "bytes an operation, all journals");
    print_figure(to, "block", f->blocks.mean, 1, "operations");
    print_figure(to, "syncs", f->syncs_a_block, 2, "a block and validator");
    fprintf(to, "</table>\n<table id=\"latency\"><caption>latency, ms</caption>\n<tr><th></th><th>"
                "operations</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>max</th></tr>"
                "\n");
    print_row(to, "all", &b->latencies);
    if (f->reads > 0) {
        print_row(to, "reads", &b->read_latencies);
        print_row(to, "writes", &b->write_latencies);
    }
    fprintf(to, "</table>\n");
}

static void print_series(FILE *to, const bench_t *b) {
    fprintf(to, "<details><summary>Every interval</summary>\n<div class=\"wide\"><table "
                "id=\"series\">\n<tr><th>from, s</th><th>operations</th><th>operations/s</th><th>"
                "failed</th><th>p50, ms</th><th>p90, ms</th><th>p99, ms</th><th>max, ms</th></tr>"
                "\n");
    for (uint32_t i = 0; i < b->interval_count; i++) {
        const interval_t *interval = &b->intervals[i];
        fprintf(to, "<tr><td>%.3f</td><td>%llu</td><td>%.0f</td><td>%llu</td>",
                interval_begin_s(b, i), (number_t)interval->latencies.total, interval_rate(b, i),
                (number_t)interval->failed);
        for (uint32_t line = 0; line < LINES; line++) {
            if (interval->latencies.total > 0)
                fprintf(to, "<td>%.3f</td>", latency_ms(&interval->latencies, line_parts[line]));
            else
                fprintf(to, "<td>-</td>");
        }
        fprintf(to, "</tr>\n");
    }
    fprintf(to, "</table></div></details>\n");
}

void bench_print_html(FILE *to, const bench_t *b, const figures_t *f) {
    fprintf(to,
            "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>"
            "<meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width\"/>"
            "<title>synod bench: %s, n = %u</title>\n<style>%s</style></head>\n<body>\n",
            b->local.plan.protocol, b->cluster.size, style);
    fprintf(to, "<h1>%s, %u validators and a client on one machine</h1>\n", b->local.plan.protocol,
            b->cluster.size);
    fprintf(to,
            "<p>application %s, durability %s; %s loop, %s %llu, %llu operations a signed "
            "request",
            b->local.plan.app, b->local.plan.durability, b->rate == 0 ? "closed" : "open",
            b->rate == 0 ? "requests outstanding" : "operations/s",
            (number_t)(b->rate == 0 ? b->outstanding : b->rate), (number_t)b->batch);
    fprintf(to, "; %s B an operation, reads %s%s, keys %llu, spread %s, seed %llu</p>\n", b->sizes,
            b->reads, b->queries ? " by query" : "", (number_t)b->keys, b->spread,
            (number_t)b->seed);
    print_throughput(to, b, f);
    print_latency(to, b, f);
    print_events(to, b);
    print_figures(to, b, f);
    print_series(to, b);
    fprintf(to, "</body>\n</html>\n");
}
