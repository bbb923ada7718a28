/* Fuzz target: the file of `synod load FILE`, lines of key and value. What is taken has keys, each
 * once, and nothing outside of the file; what is refused names the line. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/records.h"
#include "tests/fuzz/fuzz.h"

const uint32_t fuzz_price = 2;

static char path[256];

static void remove_file(void) {
    (void)unlink(path);
}

static void write_file(const uint8_t *data, size_t size) {
    if (path[0] == '\0') {
        const char *root = getenv("TMPDIR");
        (void)snprintf(path, sizeof path, "%s/synod-fuzz-XXXXXX", root != NULL ? root : "/tmp");
        int made = mkstemp(path);
        require(made >= 0 && close(made) == 0 && atexit(remove_file) == 0);
    }
    int file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    require(file >= 0 && write(file, data, size) == (ssize_t)size && close(file) == 0);
}

static void judge(const record_set_t *records) {
    const uint8_t *start = (const uint8_t *)records->text;
    for (size_t i = 0; i < records->count; i++) {
        const record_pair_t *pair = &records->pairs[i];
        require(pair->key.size > 0);
        require(pair->key.data >= start && pair->value.data >= start);
        require(pair->key.data + pair->key.size <= start + records->text_size);
        require(pair->value.data + pair->value.size <= start + records->text_size);
        for (size_t other = 0; other < i && i < 64; other++)
            require(records->pairs[other].key.size != pair->key.size ||
                    memcmp(records->pairs[other].key.data, pair->key.data, pair->key.size) != 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    record_set_t records = {0};
    char reason[256] = "";
    write_file(data, size);
    const bool taken = records_from_lines(path, &records, reason, sizeof reason);
    if (fuzz_took(taken ? SYNOD_OK : SYNOD_MALFORMED))
        judge(&records);
    else
        require(reason[0] != '\0');
    records_free(&records);
    return 0;
}
