/* Prometheus' text exposition format, 0.0.4: families of samples, with their help and type. */
#ifndef ADAPTER_EXPOSITION_H
#define ADAPTER_EXPOSITION_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

#include "base/latency.h"

typedef enum family_kind {
    FAMILY_COUNTER = 1,
    FAMILY_GAUGE = 2,
    FAMILY_HISTOGRAM = 3
} family_kind_t;

/* Begins a family: all its samples follow, before the next one begins. */
void family_begin(FILE *page, const char *name, family_kind_t kind, const char *help);
/* One sample. `labels` is printed as given, as in `kind="ping",way="in"`; NULL: none. */
void family_count(FILE *page, const char *name, const char *labels, uint64_t value);
/* The same, of what is counted in nanoseconds and shown in seconds. */
void family_seconds(FILE *page, const char *name, const char *labels, uint64_t value_ns);
/* A family of one sample. */
void family_one(FILE *page, const char *name, family_kind_t kind, const char *help, uint64_t value);

/* The samples of a histogram, in seconds. */
void family_latency(FILE *page, const char *name, const char *labels, const latency_t *latency);

#endif
