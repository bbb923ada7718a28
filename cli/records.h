/* Records (key, value) from a file of lines or from the machine's own Debian package index:
 * something real to load, of tens of thousands of entries, that every Debian has. */
#ifndef CLI_RECORDS_H
#define CLI_RECORDS_H

#include <synod/types.h>

typedef struct record_pair {
    synod_bytes key, value;
} record_pair_t;

typedef struct record_set {
    record_pair_t *pairs;
    size_t count;
    char *text; /* owns all bytes */
    size_t text_size;
} record_set_t;

/* Lines "key<TAB>value"; "-" is standard input. A key that comes twice keeps its last value. False
 * with a sentence in `reason`. */
bool records_from_lines(const char *path, record_set_t *records, char *reason, size_t reason_size);
/* The package index as apt knows it: key "package_version_architecture", value the whole paragraph.
 */
bool records_from_apt(record_set_t *records, char *reason, size_t reason_size);
void records_free(record_set_t *records);

#endif
