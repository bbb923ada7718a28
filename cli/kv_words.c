/* See kv_words.h. */
#include "cli/kv_words.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

const char kv_words_help[] =
    "  get KEY                   the value, or nothing and exit code 1\n"
    "  set KEY VALUE             put it there\n"
    "  delete KEY                take it away\n"
    "  increment KEY [DELTA]     add to a signed 64-bit number (absent counts as 0)\n"
    "  cas KEY OLD NEW           put NEW there if OLD is there\n"
    "  create KEY VALUE          put it there if nothing is\n"
    "  scan PREFIX [COUNT]       entries whose key begins with PREFIX, in key order\n";

typedef struct form {
    const char *word;
    uint32_t least, most; /* words after the first */
    bool read;
} form_t;

static const form_t forms[] = {{"get", 1, 1, true},     {"set", 2, 2, false},
                               {"delete", 1, 1, false}, {"increment", 1, 2, false},
                               {"cas", 3, 3, false},    {"create", 2, 2, false},
                               {"scan", 0, 2, true},    {NULL, 0, 0, false}};

static const form_t *find_form(const char *word) {
    for (const form_t *form = forms; form->word != NULL; form++)
        if (strcmp(form->word, word) == 0)
            return form;
    return NULL;
}

static bytes_t word_bytes(const char *word) {
    return bytes_of(word, strlen(word));
}

static bool parse_signed(const char *word, int64_t *to) {
    char *end;
    errno = 0;
    long long value = strtoll(word, &end, 10);
    *to = value;
    return errno == 0 && end != word && *end == '\0';
}

bool kv_words_is_read(const char *const *words, uint32_t count) {
    const form_t *form = count == 0 ? NULL : find_form(words[0]);
    return form != NULL && form->read;
}

static const char *encode_increment(const char *const *words, uint32_t count, writer_t *to) {
    int64_t delta = 1;
    if (count == 3 && !parse_signed(words[2], &delta))
        return "increment: the delta is a whole number such as 5 or -3";
    kv_encode_increment(to, word_bytes(words[1]), delta);
    return NULL;
}

static const char *encode_scan(const char *const *words, uint32_t count, writer_t *to) {
    int64_t entries = 100;
    if (count == 3 &&
        (!parse_signed(words[2], &entries) || entries < 1 || entries > KV_SCAN_ENTRIES_MAX))
        return "scan: the count is a number from 1 to 4096";
    kv_scan_bounds_t bounds = {.entries_max = (uint32_t)entries, .bytes_max = 1u << 19};
    kv_encode_scan(to, word_bytes(count > 1 ? words[1] : ""), &bounds);
    return NULL;
}

const char *kv_words_encode(const char *const *words, uint32_t count, writer_t *to) {
    const form_t *form = count == 0 ? NULL : find_form(words[0]);
    if (form == NULL)
        return "unknown operation: get, set, delete, increment, cas, create or scan";
    if (count - 1 < form->least || count - 1 > form->most)
        return "wrong number of words for this operation";
    if (strcmp(form->word, "increment") == 0)
        return encode_increment(words, count, to);
    if (strcmp(form->word, "scan") == 0)
        return encode_scan(words, count, to);
    bytes_t key = word_bytes(words[1]);
    if (key.size == 0 || key.size > KV_KEY_BYTES_MAX)
        return "a key has 1 to 1,024 bytes";
    if (strcmp(form->word, "get") == 0)
        kv_encode_get(to, key);
    else if (strcmp(form->word, "set") == 0)
        kv_encode_set(to, key, word_bytes(words[2]));
    else if (strcmp(form->word, "delete") == 0)
        kv_encode_delete(to, key);
    else if (strcmp(form->word, "cas") == 0)
        kv_encode_swap(to, key, (kv_condition_t){KV_EQUALS, word_bytes(words[2])},
                       (kv_maybe_t){true, word_bytes(words[3])});
    else
        kv_encode_swap(to, key, (kv_condition_t){.kind = KV_ABSENT},
                       (kv_maybe_t){true, word_bytes(words[2])});
    return to->failed ? "the operation is larger than a request may be" : NULL;
}

void print_json_string(FILE *to, bytes_t bytes) {
    fputc('"', to);
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t c = bytes.data[i];
        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c < 0x20 || c > 0x7e)
            fprintf(to, "\\u%04x", c);
        else
            fputc(c, to);
    }
    fputc('"', to);
}

static void print_value(FILE *to, bytes_t value, bool json) {
    if (json)
        print_json_string(to, value);
    else
        fwrite(value.data, 1, value.size, to);
}

static bool print_get(FILE *to, bytes_t reply, bool json) {
    kv_maybe_t value;
    if (!kv_read_get(reply, &value))
        return false;
    if (json)
        fprintf(to, "{\"present\":%s,\"value\":", value.present ? "true" : "false");
    if (value.present)
        print_value(to, value.value, json);
    else
        fputs(json ? "null" : "(absent)", to);
    fputs(json ? "}\n" : "\n", to);
    return value.present;
}

static bool print_scan(FILE *to, bytes_t reply, bool json) {
    kv_scan_reader_t scan;
    bytes_t key, value;
    if (!kv_read_scan(reply, false, &scan))
        return false;
    const char *between = json ? "{\"entries\":[" : "";
    while (kv_read_scan_next(&scan, &key, &value)) {
        fputs(between, to);
        fputs(json ? "[" : "", to);
        print_value(to, key, json);
        fputs(json ? "," : "\t", to);
        print_value(to, value, json);
        fputs(json ? "]" : "\n", to);
        between = json ? "," : "";
    }
    if (json)
        fprintf(to, "%s],\"more\":%s}\n", *between == '{' ? between : "",
                scan.more ? "true" : "false");
    else if (scan.more)
        fprintf(to, "(there are more)\n");
    return kv_read_scan_complete(&scan);
}

bool kv_words_print(FILE *to, const char *const *words, bytes_t reply, bool json) {
    uint16_t index;
    kv_error_t error = kv_read_error(reply, &index);
    if (error != KV_OK) {
        if (json)
            fprintf(to, "{\"error\":\"%s\"}\n", kv_error_text(error));
        else
            fprintf(to, "refused: %s\n", kv_error_text(error));
        return false;
    }
    if (strcmp(words[0], "get") == 0)
        return print_get(to, reply, json);
    if (strcmp(words[0], "scan") == 0)
        return print_scan(to, reply, json);
    int64_t number;
    if (strcmp(words[0], "increment") == 0 && kv_read_increment(reply, &number))
        fprintf(to, json ? "{\"number\":%lld}\n" : "%lld\n", (long long)number);
    else
        fputs(json ? "{\"ok\":true}\n" : "ok\n", to);
    return true;
}
