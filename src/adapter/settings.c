/* The file `config`: rows for parsing, printing and explaining. A key that is not known is an
 * error: a misspelt one would silently be its default. */
#include "adapter/settings.h"

#include <ini.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "replica/replica.h"

#define SETTINGS_FILE_MAX 65536
/* inih cuts longer lines in two, of which the second would be taken for a line of its own. */
#define LINE_MAX_BYTES (INI_MAX_LINE - 2)

typedef enum setting_kind {
    SETTING_NUMBER = 1,
    SETTING_WORD = 2, /* one of `words`; the number is its place */
    SETTING_ADDRESS = 3,
    SETTING_PATH = 4
} setting_kind_t;

typedef struct setting {
    const char *section, *key, *help;
    setting_kind_t kind;
    uint32_t offset;
    uint64_t low, high, initial;
    const char *const *words;
} setting_t;

static const char *const level_words[] = {"error", "warning", "info", "detail", NULL};
static const char *const durability_words[] = {"group", "none", NULL};
static const char *const format_words[] = {"text", "json", NULL};
static const char *const meter_words[] = {"no", "bytes", "stages", NULL};
static const char *const yes_words[] = {"no", "yes", NULL};

#define AT(field) (uint32_t) offsetof(settings_t, field)
#define NUMBER(section, key, field, low, high, initial, help)                                      \
    { section, key, help, SETTING_NUMBER, AT(field), low, high, initial, NULL }
#define WORD(section, key, field, words, initial, help)                                            \
    { section, key, help, SETTING_WORD, AT(field), 0, 0, initial, words }

static const setting_t rows[] = {
    {"network", "listen", "host:port for members and clients", SETTING_ADDRESS, AT(listen), 1, 0, 0,
     NULL},
    NUMBER("network", "clients", clients_max, 0, 32768, 512, "connected at once"),
    NUMBER("network", "client_memory_mib", client_memory_mib, 16, 65536, 256,
           "that all clients together can make this node hold"),
    NUMBER("network", "dial_min_ms", dial_min_ms, 1, 60000, 50,
           "first pause before dialling again"),
    NUMBER("network", "dial_max_ms", dial_max_ms, 1, 600000, 2000, "longest such pause"),
    NUMBER("network", "handshake_timeout_ms", handshake_timeout_ms, 10, 600000, 5000,
           "from connecting to the first frame"),
    NUMBER("network", "frame_timeout_ms", frame_timeout_ms, 10, 600000, 30000,
           "from the first to the last byte of a frame"),
    NUMBER("network", "ping_interval_ms", ping_interval_ms, 10, 600000, 5000,
           "silence after which a peer is asked whether it lives"),
    NUMBER("network", "idle_timeout_ms", idle_timeout_ms, 10, 3600000, 15000,
           "silence after which it is given up"),
    {"http", "listen",
     "host:port of the API for monitoring, without encryption or names: keep it private; empty: "
     "off",
     SETTING_ADDRESS, AT(http_listen), 0, 0, 0, NULL},
    WORD("http", "submit", http_submit, yes_words, 0,
         "yes: whoever reaches the API may order operations, through a session of this node"),
    {"storage", "data", "folder of journal and snapshots, relative to this file", SETTING_PATH,
     AT(data), 1, 0, 0, NULL},
    NUMBER("storage", "journal_segments", journal_segments, JOURNAL_SEGMENTS_MIN, 65536, 64,
           "most segments of the journal; may grow between two runs, not shrink"),
    NUMBER("storage", "journal_segment_kib", journal_segment_kib, 256, 1048576, 65536,
           "size of one; a multiple of 4; never changes once the journal has begun"),
    NUMBER("storage", "snapshot_kib", snapshot_kib, 0, UINT64_C(1) << 40, 0,
           "a snapshot after so much journal; 0: an eighth of it"),
    WORD("storage", "durability", durability, durability_words, DURABILITY_GROUP,
         "group: synced to disk before it counts; none: UNSAFE, for measurements only"),
    NUMBER("memory", "mempool_mib", mempool_mib, 1, 4095, 64, "requests that wait"),
    NUMBER("process", "workers", workers, 1, 64, 1, "threads that check signatures"),
    WORD("process", "core_dumps", core_dumps, yes_words, 0, "yes: they would hold the keys"),
    WORD("process", "meter", meter, meter_words, METER_NOTHING,
         "for measurements: bytes by kind of frame, or also time by stage, into the file meter"),
    WORD("log", "level", log_level, level_words, 2, "error, warning, info or detail"),
    WORD("log", "format", log_json, format_words, 0, "text or json"),
    {"log", "file", "relative to this file; empty: standard error", SETTING_PATH, AT(log_file), 0,
     0, 0, NULL},
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static void *field_of(const setting_t *row, settings_t *settings) {
    return (uint8_t *)settings + row->offset;
}
static const void *field_seen(const setting_t *row, const settings_t *settings) {
    return (const uint8_t *)settings + row->offset;
}

void settings_default(settings_t *settings) {
    *settings = (settings_t){.listen = {.host = "127.0.0.1", .port = 7100}, .data = "data"};
    for (size_t at = 0; at < ROW_COUNT; at++) {
        if (rows[at].kind == SETTING_NUMBER || rows[at].kind == SETTING_WORD) {
            *(uint64_t *)field_of(&rows[at], settings) = rows[at].initial;
        }
    }
}

/* ---- values ---- */

static bool parse_number(const char *text, uint64_t *value) {
    size_t digits = strspn(text, "0123456789");
    *value = strtoull(text, NULL, 10);
    return digits > 0 && digits <= 18 && text[digits] == '\0';
}

static bool parse_word(const char *text, const char *const *words, uint64_t *value) {
    for (*value = 0; words[*value] != NULL; (*value)++) {
        if (strcmp(words[*value], text) == 0) {
            return true;
        }
    }
    return false;
}

static bool set_value(const setting_t *row, settings_t *settings, const char *text) {
    void *field = field_of(row, settings);
    uint64_t number = 0;
    switch (row->kind) {
    case SETTING_NUMBER:
        if (!parse_number(text, &number) || number < row->low || number > row->high) {
            return false;
        }
        *(uint64_t *)field = number;
        return true;
    case SETTING_WORD:
        if (!parse_word(text, row->words, &number)) {
            return false;
        }
        *(uint64_t *)field = number;
        return true;
    case SETTING_ADDRESS:
        *(address_t *)field = (address_t){0};
        return (text[0] == '\0' && row->low == 0) || address_parse(text, field);
    default:
        if (strlen(text) < row->low || strlen(text) >= FILE_PATH_MAX) {
            return false;
        }
        memcpy(field, text, strlen(text) + 1);
        return true;
    }
}

/* What is possible, for the sentence. */
static void print_possible(const setting_t *row, char *text, size_t size) {
    if (row->kind == SETTING_NUMBER) {
        (void)snprintf(text, size, "a number from %" PRIu64 " to %" PRIu64, row->low, row->high);
    } else if (row->kind == SETTING_ADDRESS) {
        (void)snprintf(text, size, "host:port or [v6 address]:port");
    } else if (row->kind == SETTING_PATH) {
        (void)snprintf(text, size, "a path");
    } else {
        size_t at = 0;
        text[0] = '\0';
        for (const char *const *word = row->words; *word != NULL && at < size; word++) {
            at += (size_t)snprintf(text + at, size - at, "%s%s", at > 0 ? " or " : "", *word);
        }
    }
}

/* ---- reading ---- */

typedef struct parsing {
    settings_t *settings;
    bool seen[ROW_COUNT];
    char why[256]; /* of the first line that is wrong */
} parsing_t;

static int refuse(parsing_t *parsing, const char *format, const char *a, const char *b,
                  const char *c) {
    if (parsing->why[0] == '\0') {
        (void)snprintf(parsing->why, sizeof parsing->why, format, a, b, c);
    }
    return 0;
}

/* Called by inih for each line `key = value`; 0 = this line is wrong. */
static int on_line(void *context, const char *section, const char *key, const char *value) {
    parsing_t *parsing = context;
    for (size_t at = 0; at < ROW_COUNT; at++) {
        const setting_t *row = &rows[at];
        if (strcmp(row->section, section) != 0 || strcmp(row->key, key) != 0) {
            continue;
        }
        if (parsing->seen[at]) {
            return refuse(parsing, "%s in [%s] stands there twice%s", key, section, "");
        }
        parsing->seen[at] = true;
        if (!set_value(row, parsing->settings, value)) {
            char possible[128];
            print_possible(row, possible, sizeof possible);
            return refuse(parsing, "%s is '%.60s', possible is %s", key, value, possible);
        }
        return 1;
    }
    return refuse(parsing, "there is no key '%.60s' in a section [%.60s]; is it misspelt?%s", key,
                  section, "");
}

/* What inih would misread: lines that it cuts, zeros that end the text for it. 0 or a line. */
static int find_bad_line(const char *text, size_t size) {
    int line = 1;
    size_t length = 0;
    for (size_t at = 0; at < size; at++) {
        length = text[at] == '\n' ? 0 : length + 1;
        if (text[at] == '\0' || length > LINE_MAX_BYTES) {
            return line;
        }
        line += text[at] == '\n' ? 1 : 0;
    }
    return 0;
}

/* As fgets, out of memory that no zero ends: inih's own reader of strings looks for one. */
static char *next_line(char *to, int room, void *stream) {
    bytes_t *left = stream;
    size_t size = 0;
    while (size < left->size && size + 1 < (size_t)room && (size == 0 || to[size - 1] != '\n')) {
        to[size] = (char)left->data[size];
        size++;
    }
    to[size] = '\0';
    *left = bytes_of(left->data + size, left->size - size);
    return size > 0 ? to : NULL;
}

synod_status settings_parse(const char *name, const char *text, size_t size, settings_t *settings,
                            reason_t *reason) {
    bytes_t left = bytes_of(text, size);
    parsing_t parsing = {.settings = settings};
    settings_default(settings);
    int line = find_bad_line(text, size);
    if (line != 0) {
        return reason_set(reason, SYNOD_BAD_CONFIG,
                          "%s: line %d is longer than %d bytes or contains a zero byte", name, line,
                          LINE_MAX_BYTES);
    }
    line = ini_parse_stream(next_line, &left, on_line, &parsing);
    if (line != 0) {
        return reason_set(reason, SYNOD_BAD_CONFIG, "%s: line %d: %s", name, line,
                          parsing.why[0] != '\0' ? parsing.why
                                                 : "is neither [section] nor key = value");
    }
    if (settings->dial_max_ms < settings->dial_min_ms ||
        settings->idle_timeout_ms <= settings->ping_interval_ms) {
        return reason_set(reason, SYNOD_BAD_CONFIG,
                          "%s: dial_max_ms must not be below dial_min_ms, and idle_timeout_ms must "
                          "be above ping_interval_ms",
                          name);
    }
    if (settings->journal_segment_kib % 4 != 0) {
        return reason_set(reason, SYNOD_BAD_CONFIG,
                          "%s: journal_segment_kib is %" PRIu64 ", possible are multiples of 4",
                          name, settings->journal_segment_kib);
    }
    return SYNOD_OK;
}

synod_status settings_read(const char *path, settings_t *settings, reason_t *reason) {
    file_content_t content;
    synod_status status = file_read(path, SETTINGS_FILE_MAX, FILE_PUBLIC, &content, reason);
    if (status == SYNOD_OK) {
        status = settings_parse(path, content.text, content.size, settings, reason);
        file_free(&content);
    }
    return status;
}

/* ---- writing ---- */

static void print_value(const setting_t *row, const settings_t *settings, char *text, size_t size) {
    const void *field = field_seen(row, settings);
    if (row->kind == SETTING_NUMBER) {
        (void)snprintf(text, size, "%" PRIu64, *(const uint64_t *)field);
    } else if (row->kind == SETTING_WORD) {
        (void)snprintf(text, size, "%s", row->words[*(const uint64_t *)field]);
    } else if (row->kind == SETTING_ADDRESS) {
        char address[ADDRESS_TEXT_MAX] = "";
        if (((const address_t *)field)->host[0] != '\0') {
            address_print(field, address);
        }
        (void)snprintf(text, size, "%s", address);
    } else {
        (void)snprintf(text, size, "%s", (const char *)field);
    }
}

synod_status settings_write(const char *path, const settings_t *settings, reason_t *reason) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream == NULL) {
        return reason_set(reason, SYNOD_NO_MEMORY, "no memory to write %s", path);
    }
    (void)fprintf(stream, "; Configuration of one Synod node; docs/formats/home.md.\n"
                          "; A line that is left out has the default named there.\n");
    for (size_t at = 0; at < ROW_COUNT; at++) {
        char value[FILE_PATH_MAX];
        if (at == 0 || strcmp(rows[at].section, rows[at - 1].section) != 0) {
            (void)fprintf(stream, "\n[%s]\n", rows[at].section);
        }
        print_value(&rows[at], settings, value, sizeof value);
        (void)fprintf(stream, "; %s\n%s =%s%s\n", rows[at].help, rows[at].key,
                      value[0] != '\0' ? " " : "", value);
    }
    bool good = ferror(stream) == 0;
    good = fclose(stream) == 0 && good;
    synod_status status =
        good ? file_write(path, bytes_of(text, size), FILE_PUBLIC, FILE_KEEP, reason)
             : reason_set(reason, SYNOD_NO_MEMORY, "no memory to write %s", path);
    free(text);
    return status;
}

/* ---- levels ---- */

const char *settings_level_name(uint64_t level) {
    return level < sizeof level_words / sizeof level_words[0] ? level_words[level] : NULL;
}

bool settings_level_parse(const char *word, uint64_t *level) {
    return parse_word(word, level_words, level);
}
