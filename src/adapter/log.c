/* The log. */
#include "adapter/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 1024
/* Lines a second that go on for ever, and how many may come at once. */
#define LINES_PER_SECOND 200
#define LINES_BURST 2000
#define SECOND_NS UINT64_C(1000000000)

static const char *const level_names[] = {"error", "warning", "info", "detail"};

synod_status log_open(log_t *log, const log_options_t *options, reason_t *reason) {
    *log = (log_t){.file = STDERR_FILENO,
                   .json = options->json,
                   .level = options->level,
                   .credit = LINES_BURST,
                   .credited_ns = uv_hrtime()};
    if (options->path != NULL && options->path[0] != '\0') {
        log->file = open(options->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
        if (log->file < 0) {
            return reason_errno(reason, errno, "open the log", options->path);
        }
        log->owns_file = true;
    }
    if (uv_mutex_init(&log->mutex) != 0) {
        return reason_set(reason, SYNOD_NO_MEMORY, "no memory for the log");
    }
    return SYNOD_OK;
}

void log_close(log_t *log) {
    uv_mutex_destroy(&log->mutex);
    if (log->owns_file) {
        (void)close(log->file);
    }
}

/* ---- one line ---- */

typedef struct line {
    char *text;
    size_t size, at; /* at < size: room for the zero */
} line_t;

static void put(line_t *line, char letter) {
    if (line->at + 1 < line->size) {
        line->text[line->at++] = letter;
    }
}

static void put_text(line_t *line, const char *text) {
    for (; *text != '\0'; text++) {
        put(line, *text);
    }
}

/* What would end the line or move the cursor comes from elsewhere and is shown as '?'. */
static char printable(char letter) {
    return (unsigned char)letter < 0x20 || letter == 0x7f ? '?' : letter;
}

static void put_json(line_t *line, const char *from, const char *end) {
    put(line, '"');
    for (; from < end; from++) {
        if (*from == '"' || *from == '\\') {
            put(line, '\\');
        }
        put(line, printable(*from));
    }
    put(line, '"');
}

static void put_json_field(line_t *line, const char *name, const char *value) {
    put_json(line, name, name + strlen(name));
    put(line, ':');
    put_json(line, value, value + strlen(value));
}

static bool is_number(const char *from, const char *end) {
    return end > from && end - from <= 15 && (*from != '0' || end - from == 1) &&
           strspn(from, "0123456789") >= (size_t)(end - from);
}

/* key=value and key="value with spaces" become fields; words without '=' become flags. */
static void put_json_pairs(line_t *line, const char *text) {
    while (*text != '\0') {
        size_t blank = strspn(text, " ");
        text += blank;
        const char *end = text + strcspn(text, "= ");
        if (end == text) {
            text += *text != '\0' ? 1 : 0;
            continue;
        }
        put(line, ',');
        put_json(line, text, end);
        put(line, ':');
        if (*end != '=') {
            put_text(line, "true");
            text = end;
            continue;
        }
        const char *value = end + 1;
        bool quoted = *value == '"';
        value += quoted ? 1 : 0;
        end = value + strcspn(value, quoted ? "\"" : " ");
        if (!quoted && is_number(value, end)) {
            while (value < end) {
                put(line, *value++);
            }
        } else {
            put_json(line, value, end);
        }
        text = end + (quoted && *end == '"' ? 1 : 0);
    }
}

static void print_time(char *to, size_t size, uint64_t time_ns) {
    time_t seconds = (time_t)(time_ns / SECOND_NS);
    struct tm parts;
    (void)gmtime_r(&seconds, &parts);
    size_t length = strftime(to, size, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(to + length, size - length, ".%03" PRIu64 "Z", time_ns / 1000000 % 1000);
}

size_t log_format(char *to, size_t size, bool json, uint64_t time_ns, int level, const char *module,
                  const char *event, const char *text) {
    char time[48];
    line_t line = {to, size, 0};
    const char *name = level_names[level < LOG_ERROR ? 0 : level > LOG_DETAIL ? LOG_DETAIL : level];
    print_time(time, sizeof time, time_ns);
    if (json) {
        /* A cut would leave half an object: room for the end is kept, a long value is cut. */
        line.size -= 2;
        put(&line, '{');
        put_json_field(&line, "time", time);
        put(&line, ',');
        put_json_field(&line, "level", name);
        put(&line, ',');
        put_json_field(&line, "module", module);
        put(&line, ',');
        put_json_field(&line, "event", event);
        put_json_pairs(&line, text);
        line.size += 2;
        if (line.at + 3 >= size) {
            line.at = 0; /* too long: without the pairs */
            return log_format(to, size, true, time_ns, level, module, event, "cut=\"too long\"");
        }
        put(&line, '}');
    } else {
        (void)snprintf(to, size, "%s %s %s %s ", time, name, module, event);
        line.at = strlen(to);
        for (; *text != '\0'; text++) {
            put(&line, printable(*text));
        }
    }
    to[line.at] = '\0';
    return line.at;
}

/* ---- writing ---- */

static void write_line(log_t *log, int level, const char *module, const char *event,
                       const char *text) {
    char line[LINE_BYTES];
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t time_ns = (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
    size_t size = log_format(line, sizeof line - 1, log->json, time_ns, level, module, event, text);
    line[size++] = '\n';
    /* A log that cannot be written must not stop what it tells about. */
    ssize_t written = write(log->file, line, size);
    (void)written;
}

/* Takes one line of credit; the mutex is held. */
static bool may_write(log_t *log, int level) {
    uint64_t now = uv_hrtime();
    uint64_t earned = (now - log->credited_ns) / (SECOND_NS / LINES_PER_SECOND);
    if (earned > 0) {
        log->credit = earned < LINES_BURST - log->credit ? log->credit + earned : LINES_BURST;
        log->credited_ns = now;
    }
    if (log->credit == 0 && level > LOG_ERROR) {
        log->suppressed++;
        return false;
    }
    log->credit -= log->credit > 0 ? 1 : 0;
    return true;
}

void log_line(log_t *log, int level, const char *module, const char *event, const char *text) {
    if (log == NULL || level > (int)log->level) {
        return;
    }
    uv_mutex_lock(&log->mutex);
    if (may_write(log, level)) {
        if (log->suppressed > 0) {
            char count[48];
            (void)snprintf(count, sizeof count, "lines=%" PRIu64, log->suppressed);
            log->suppressed = 0;
            write_line(log, LOG_WARNING, "log", "suppressed", count);
        }
        write_line(log, level, module, event, text);
    }
    uv_mutex_unlock(&log->mutex);
}

void log_event(log_t *log, int level, const char *module, const char *event, const char *format,
               ...) {
    if (log == NULL || level > (int)log->level) {
        return;
    }
    char text[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_line(log, level, module, event, text);
}
