/* Runs a fuzz target without libFuzzer: every file of its corpus, then FUZZ_CHANGES (3,000, fewer
 * where they are dear) changes of them, the same in every run. Usage: NAME FOLDER
 *
 * Exit 0; 1 when the corpus is missing or nothing of it was taken; the target's own demands abort.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

enum { FILES_MAX = 256, FILE_MAX = 1 << 16, CHANGES = 3000 };

typedef struct input {
    char name[128];
    uint8_t *bytes;
    size_t size;
} input_t;

static input_t inputs[FILES_MAX];
static uint32_t input_count;
static uint8_t space[2 * FILE_MAX + 4096];

/* In a copy of exactly its size, so that AddressSanitizer sees a read beyond it. */
static void run(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        exit(1);
    memcpy(copy, bytes, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static bool read_input(const char *folder, const char *name) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    const size_t size = fread(space, 1, FILE_MAX + 1, file);
    (void)fclose(file);
    if (size > FILE_MAX || input_count == FILES_MAX)
        return false;
    input_t *input = &inputs[input_count++];
    (void)snprintf(input->name, sizeof input->name, "%s", name);
    input->bytes = malloc(size > 0 ? size : 1);
    if (input->bytes == NULL)
        return false;
    memcpy(input->bytes, space, size);
    input->size = size;
    return true;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const input_t *)a)->name, ((const input_t *)b)->name);
}

static bool read_all(const char *folder) {
    DIR *all = opendir(folder);
    bool good = all != NULL;
    for (struct dirent *entry; good && (entry = readdir(all)) != NULL;)
        good = entry->d_name[0] == '.' || read_input(folder, entry->d_name);
    if (all != NULL)
        closedir(all);
    qsort(inputs, input_count, sizeof inputs[0], by_name);
    return good && input_count > 0;
}

static void change(prng_t *prng) {
    const input_t *input = &inputs[prng_below(prng, input_count)];
    size_t size = input->size;
    memcpy(space, input->bytes, size);
    for (uint64_t times = prng_below(prng, 4) + 1; times > 0; times--)
        size = mutate(prng, space, size, FILE_MAX);
    run(space, size);
}

int main(int argc, char **argv) {
    if (argc != 2 || !read_all(argv[1])) {
        fprintf(stderr, "%s: there is no corpus of files up to %d bytes\n",
                argc > 1 ? argv[1] : "usage: NAME FOLDER", FILE_MAX);
        return 1;
    }
    for (uint32_t i = 0; i < input_count; i++)
        run(inputs[i].bytes, inputs[i].size);
    const uint64_t accepted = fuzz_accepted;
    prng_t prng = prng_of(1);
    const char *wanted = getenv("FUZZ_CHANGES");
    const uint64_t price = &fuzz_price != NULL ? fuzz_price : 1;
    const uint64_t changes = (wanted != NULL ? strtoull(wanted, NULL, 10) : CHANGES) / price;
    for (uint64_t i = 0; i < changes; i++)
        change(&prng);
    printf("%u files, %llu taken; %llu changes, %llu taken\n", input_count,
           (unsigned long long)accepted, (unsigned long long)changes,
           (unsigned long long)(fuzz_accepted - accepted));
    for (uint32_t i = 0; i < input_count; i++)
        free(inputs[i].bytes);
    return accepted > 0 ? 0 : 1;
}
