/* See exposition.h. */
#include "adapter/exposition.h"

void family_begin(FILE *page, const char *name, family_kind_t kind, const char *help) {
    static const char *const kinds[] = {
        [FAMILY_COUNTER] = "counter", [FAMILY_GAUGE] = "gauge", [FAMILY_HISTOGRAM] = "histogram"};
    (void)fprintf(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kinds[kind]);
}

static void print_name(FILE *page, const char *name, const char *labels) {
    if (labels == NULL) {
        (void)fprintf(page, "%s ", name);
    } else {
        (void)fprintf(page, "%s{%s} ", name, labels);
    }
}

void family_count(FILE *page, const char *name, const char *labels, uint64_t value) {
    print_name(page, name, labels);
    (void)fprintf(page, "%" PRIu64 "\n", value);
}

void family_seconds(FILE *page, const char *name, const char *labels, uint64_t value_ns) {
    print_name(page, name, labels);
    (void)fprintf(page, "%" PRIu64 ".%09" PRIu64 "\n", value_ns / 1000000000,
                  value_ns % 1000000000);
}

void family_one(FILE *page, const char *name, family_kind_t kind, const char *help,
                uint64_t value) {
    family_begin(page, name, kind, help);
    family_count(page, name, NULL, value);
}

void family_latency(FILE *page, const char *name, const char *labels, const latency_t *latency) {
    const char *comma = labels == NULL ? "" : ",";
    uint64_t below = 0;
    labels = labels == NULL ? "" : labels;
    for (uint32_t at = 0; at < LATENCY_BUCKETS; at++) {
        below += latency->counts[at];
        (void)fprintf(page, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, labels, comma,
                      (double)latency_bounds_ns[at] / 1e9, below);
    }
    (void)fprintf(page, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma,
                  latency->count);
    const char *open = labels[0] == '\0' ? "" : "{", *close = labels[0] == '\0' ? "" : "}";
    (void)fprintf(page, "%s_sum%s%s%s %.9f\n", name, open, labels, close,
                  (double)latency->sum_ns / 1e9);
    (void)fprintf(page, "%s_count%s%s%s %" PRIu64 "\n", name, open, labels, close, latency->count);
}
