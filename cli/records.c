/* See records.h. */
#include "cli/records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_BYTES_MAX ((size_t)1 << 30)
#define KEY_BYTES_MAX 1024

void records_free(record_set_t *records) {
    free(records->pairs);
    free(records->text);
    *records = (record_set_t){0};
}

static bool read_all(FILE *file, record_set_t *records, char *reason, size_t reason_size) {
    size_t room = 1u << 20;
    records->text = malloc(room);
    while (records->text != NULL) {
        size_t got = fread(records->text + records->text_size, 1, room - records->text_size, file);
        records->text_size += got;
        if (got == 0)
            break;
        if (records->text_size < room)
            continue;
        room *= 2;
        char *larger = room > RECORDS_BYTES_MAX ? NULL : realloc(records->text, room);
        if (larger == NULL) {
            snprintf(reason, reason_size, "more than %zu bytes", room / 2);
            return false;
        }
        records->text = larger;
    }
    if (records->text == NULL || ferror(file)) {
        snprintf(reason, reason_size, "%s", strerror(errno));
        return false;
    }
    return true;
}

static bool add(record_set_t *records, size_t *room, synod_bytes key, synod_bytes value) {
    if (records->count == *room) {
        size_t larger = *room == 0 ? 4096 : *room * 2;
        record_pair_t *pairs = realloc(records->pairs, larger * sizeof *pairs);
        if (pairs == NULL)
            return false;
        records->pairs = pairs;
        *room = larger;
    }
    records->pairs[records->count++] = (record_pair_t){key, value};
    return true;
}

typedef struct numbered {
    record_pair_t pair;
    size_t number;
} numbered_t;

static int by_key(const void *a, const void *b) {
    const numbered_t *x = a, *y = b;
    size_t common = x->pair.key.size < y->pair.key.size ? x->pair.key.size : y->pair.key.size;
    int order = memcmp(x->pair.key.data, y->pair.key.data, common);
    if (order != 0)
        return order;
    if (x->pair.key.size != y->pair.key.size)
        return x->pair.key.size < y->pair.key.size ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* One record a key, the last one; afterwards the set is sorted by key. */
static bool unite(record_set_t *records) {
    numbered_t *all = malloc((records->count + 1) * sizeof *all);
    if (all == NULL)
        return false;
    for (size_t i = 0; i < records->count; i++)
        all[i] = (numbered_t){records->pairs[i], i};
    qsort(all, records->count, sizeof *all, by_key);
    size_t kept = 0;
    for (size_t i = 0; i < records->count; i++) {
        bool last =
            i + 1 == records->count || all[i].pair.key.size != all[i + 1].pair.key.size ||
            memcmp(all[i].pair.key.data, all[i + 1].pair.key.data, all[i].pair.key.size) != 0;
        if (last)
            records->pairs[kept++] = all[i].pair;
    }
    records->count = kept;
    free(all);
    return true;
}

static synod_bytes span(const char *from, const char *to) {
    return (synod_bytes){(const uint8_t *)from, (size_t)(to - from)};
}

static bool split_lines(record_set_t *records, char *reason, size_t reason_size) {
    const char *at = records->text, *end = at + records->text_size;
    size_t room = 0, line = 0;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop == NULL ? end : stop;
        const char *tab = memchr(at, '\t', (size_t)(stop - at));
        line++;
        if (stop > at && (tab == NULL || tab == at || tab - at > KEY_BYTES_MAX)) {
            snprintf(reason, reason_size,
                     "line %zu: expected key<TAB>value with a key of 1 to %d bytes", line,
                     KEY_BYTES_MAX);
            return false;
        }
        if (stop > at && !add(records, &room, span(at, tab), span(tab + 1, stop)))
            return false;
        at = stop + 1;
    }
    return true;
}

bool records_from_lines(const char *path, record_set_t *records, char *reason, size_t reason_size) {
    *records = (record_set_t){0};
    snprintf(reason, reason_size, "out of memory");
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (file == NULL) {
        snprintf(reason, reason_size, "%s: %s", path, strerror(errno));
        return false;
    }
    bool good = read_all(file, records, reason, reason_size);
    if (file != stdin)
        fclose(file);
    good = good && split_lines(records, reason, reason_size) && unite(records);
    if (!good)
        records_free(records);
    return good;
}

/* ---- the package index ---- */

/* The value of "Name: value" in a paragraph. */
static synod_bytes field(const char *at, const char *end, const char *name) {
    size_t length = strlen(name);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop == NULL ? end : stop;
        if ((size_t)(stop - at) > length + 2 && memcmp(at, name, length) == 0 &&
            at[length] == ':' && at[length + 1] == ' ')
            return span(at + length + 2, stop);
        at = stop + 1;
    }
    return (synod_bytes){0};
}

/* The paragraphs' keys are made of three fields, which are not together in the text: they are
 * written to memory of their own, behind the text. */
static bool split_paragraphs(record_set_t *records, char *keys) {
    const char *at = records->text, *end = at + records->text_size;
    size_t room = 0;
    while (at < end) {
        const char *stop = memmem(at, (size_t)(end - at), "\n\n", 2);
        stop = stop == NULL ? end : stop;
        synod_bytes package = field(at, stop, "Package"), version = field(at, stop, "Version"),
                    architecture = field(at, stop, "Architecture");
        size_t size = package.size + version.size + architecture.size + 2;
        if (package.size > 0 && version.size > 0 && size <= KEY_BYTES_MAX) {
            int written =
                sprintf(keys, "%.*s_%.*s_%.*s", (int)package.size, package.data, (int)version.size,
                        version.data, (int)architecture.size, architecture.data);
            if (!add(records, &room, span(keys, keys + written), span(at, stop)))
                return false;
            keys += written;
        }
        at = stop + 2;
    }
    return true;
}

bool records_from_apt(record_set_t *records, char *reason, size_t reason_size) {
    *records = (record_set_t){0};
    snprintf(reason, reason_size, "out of memory");
    FILE *index = popen("apt-cache dumpavail 2>/dev/null", "r");
    if (index == NULL || !read_all(index, records, reason, reason_size)) {
        if (index != NULL)
            pclose(index);
        records_free(records);
        return false;
    }
    if (pclose(index) != 0 || records->text_size == 0) {
        snprintf(reason, reason_size,
                 "apt-cache has no package index here; run `apt-get update`, or load a file of "
                 "key<TAB>value lines instead");
        records_free(records);
        return false;
    }
    /* The keys repeat parts of the text, so twice the room is enough for both. */
    char *both = realloc(records->text, 2 * records->text_size + 1);
    if (both != NULL)
        records->text = both;
    bool good =
        both != NULL && split_paragraphs(records, both + records->text_size) && unite(records);
    if (!good)
        records_free(records);
    return good;
}
