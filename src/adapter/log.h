/* The log: `time level module event key=value ...`, one line an event, or one JSON object a line.
 *
 * A line is one write, so that lines of several threads and processes do not mix. Lines beyond a
 * rate are counted, not written: peers can cause them at will. Errors are always written. */
#ifndef ADAPTER_LOG_H
#define ADAPTER_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "adapter/reason.h"

typedef enum log_level { LOG_ERROR = 0, LOG_WARNING = 1, LOG_INFO = 2, LOG_DETAIL = 3 } log_level_t;

typedef struct log_options {
    const char *path;  /* appended to; NULL or empty: standard error */
    log_level_t level; /* this and what is more severe */
    bool json;
} log_options_t;

typedef struct log {
    int file;
    bool owns_file, json;
    log_level_t level;
    uv_mutex_t mutex;
    uint64_t credit, credited_ns; /* lines that may still be written */
    uint64_t suppressed;
} log_t;

synod_status log_open(log_t *log, const log_options_t *options, reason_t *reason);
void log_close(log_t *log);

/* `text` is key=value pairs; a value with spaces stands in double quotes. Thread-safe. A NULL log
 * swallows everything. */
void log_line(log_t *log, int level, const char *module, const char *event, const char *text);
void log_event(log_t *log, int level, const char *module, const char *event, const char *format,
               ...) __attribute__((format(printf, 5, 6)));

/* One line without its end into `to`; the length. For log_line and its tests. */
size_t log_format(char *to, size_t size, bool json, uint64_t time_ns, int level, const char *module,
                  const char *event, const char *text);

#endif
