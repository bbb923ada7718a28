/* Fuzz target: the files of a home that are not the genesis: `config`, and `node_key`, which is
 * read from a file because its mode counts. The first byte chooses. A key that is taken has one
 * text only. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter/node_key.h"
#include "adapter/settings.h"
#include "base/check.h"
#include "tests/fuzz/fuzz.h"

static char folder[256];

static void remove_folder(void) {
    char path[300];
    (void)snprintf(path, sizeof path, "%s/key", folder);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/again", folder);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void make_folder(void) {
    const char *root = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%s/synod-fuzz-XXXXXX", root != NULL ? root : "/tmp");
    require(mkdtemp(folder) != NULL);
    require(atexit(remove_folder) == 0);
}

static void config(const uint8_t *data, size_t size) {
    settings_t settings;
    reason_t reason = {""};
    settings_default(&settings);
    if (!fuzz_took(settings_parse("input", (const char *)data, size, &settings, &reason))) {
        require(reason.text[0] != '\0');
        return;
    }
    require(settings.journal_segments >= 8 && settings.journal_segment_kib % 4 == 0);
    require(settings.workers >= 1 && settings.workers <= 64);
    require(memchr(settings.data, '\0', sizeof settings.data) != NULL);
    require(memchr(settings.log_file, '\0', sizeof settings.log_file) != NULL);
}

static void key(const uint8_t *data, size_t size) {
    char path[300], again[300];
    node_key_t node_key;
    reason_t reason = {""};
    (void)snprintf(path, sizeof path, "%s/key", folder);
    (void)snprintf(again, sizeof again, "%s/again", folder);
    int file = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    require(file >= 0 && write(file, data, size) == (ssize_t)size && close(file) == 0);
    if (!fuzz_took(node_key_read(path, &node_key, &reason))) {
        require(reason.text[0] != '\0');
        return;
    }
    uint8_t text[1024];
    (void)unlink(again);
    require(node_key_write(again, &node_key, &reason) == SYNOD_OK);
    file = open(again, O_RDONLY | O_CLOEXEC);
    require(file >= 0 && read(file, text, sizeof text) == (ssize_t)size && close(file) == 0);
    require(memcmp(text, data, size) == 0);
}

const uint32_t fuzz_price = 6;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > 70000)
        return 0;
    if (folder[0] == '\0')
        make_folder();
    ((data[0] & 1) != 0 ? key : config)(data + 1, size - 1);
    return 0;
}
