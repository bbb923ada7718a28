/* See loader.h. */
#include "cli/loader.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/kv_client.h"
#include "cli/connect.h"

#define OPERATION_BYTES_MAX (1u << 20)
/* Reads under way at once. */
#define READS_MAX 512
#define READ_TRIES 3
/* Each read ends at its own deadline, so there is no need for another one; and what has not ended
 * must not be left, for its answer is written to memory of ours. */
#define UNTIL_ALL_END_NS (UINT64_MAX / 2)

void loader_begin(loader_t *loader, synod_client *client, const record_set_t *records,
                  uint64_t pace_ns) {
    memset(loader, 0, sizeof *loader);
    loader->client = client;
    loader->records = records;
    loader->pace_ns = pace_ns;
    loader->started_ns = monotonic_ns();
}

static void on_stored(void *context, const synod_client_result *result) {
    loader_t *loader = context;
    if (result->late) /* it was counted as failed: now it is known that it ran */
        atomic_fetch_sub(&loader->failed, result->status == SYNOD_OK ? 1 : 0);
    else if (result->status != SYNOD_OK)
        atomic_fetch_add(&loader->failed, 1);
    if (!result->late)
        atomic_fetch_add(&loader->done, 1);
}

static size_t due(const loader_t *loader) {
    uint64_t elapsed = monotonic_ns() - loader->started_ns;
    if (loader->pace_ns == 0 || elapsed >= loader->pace_ns)
        return loader->records->count;
    return (size_t)((double)loader->records->count * (double)elapsed / (double)loader->pace_ns);
}

bool loader_advance(loader_t *loader) {
    static uint8_t operation[OPERATION_BYTES_MAX];
    size_t until = due(loader);
    while (loader->next < until) {
        const record_pair_t *pair = &loader->records->pairs[loader->next];
        writer_t writer = writer_of(operation, sizeof operation);
        kv_encode_set(&writer, pair->key, pair->value);
        synod_status status =
            writer.failed
                ? SYNOD_TOO_LARGE
                : synod_client_submit(loader->client, writer_bytes(&writer), on_stored, loader);
        if (status == SYNOD_BUSY)
            break; /* the queue is full: back-pressure, go on later */
        if (status != SYNOD_OK) {
            atomic_fetch_add(&loader->failed, 1);
            atomic_fetch_add(&loader->done, 1);
        }
        loader->next++;
    }
    return loader->next == loader->records->count;
}

bool loader_settled(loader_t *loader) {
    return atomic_load(&loader->done) == loader->next;
}

/* ---- reading back ---- */

typedef struct reading {
    atomic_uint_fast64_t compared, different;
} reading_t;

typedef struct one_read {
    reading_t *reading;
    const record_pair_t *pair;
    atomic_bool retry; /* the members did not agree just then: ask again */
} one_read_t;

static void on_read(void *context, const synod_client_result *result) {
    one_read_t *read = context;
    kv_maybe_t value;
    if (result->status != SYNOD_OK) {
        atomic_store(&read->retry, true);
    } else if (!kv_read_get(result->result, &value) || !value.present ||
               !bytes_equal(value.value, read->pair->value)) {
        atomic_fetch_add(&read->reading->different, 1);
    }
    atomic_fetch_add(&read->reading->compared, 1);
}

static void ask(synod_client *client, one_read_t *read) {
    uint8_t query[KV_KEY_BYTES_MAX + 64];
    writer_t writer = writer_of(query, sizeof query);
    kv_encode_get(&writer, read->pair->key);
    atomic_store(&read->retry, false);
    while (synod_client_query(client, writer_bytes(&writer), false, on_read, read) == SYNOD_BUSY) {
        struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
    }
}

uint64_t loader_compare(synod_client *client, const record_set_t *records,
                        void (*progress)(void *context, uint64_t compared), void *context) {
    reading_t reading = {0};
    one_read_t *reads = calloc(records->count + 1, sizeof *reads);
    if (reads == NULL)
        return records->count;
    for (size_t i = 0; i < records->count; i++) {
        reads[i].reading = &reading;
        reads[i].pair = &records->pairs[i];
        while (i >= atomic_load(&reading.compared) + READS_MAX) {
            struct timespec pause = {0, 500000};
            nanosleep(&pause, NULL);
        }
        ask(client, &reads[i]);
        if (i % 1024 == 0)
            progress(context, atomic_load(&reading.compared));
    }
    (void)synod_client_wait(client, UNTIL_ALL_END_NS);
    bool given_up = false; /* one that cannot be read again and again stands for the others */
    for (size_t i = 0; i < records->count; i++) {
        uint32_t tries = given_up ? READ_TRIES : 0;
        for (; atomic_load(&reads[i].retry) && tries < READ_TRIES; tries++) {
            ask(client, &reads[i]);
            (void)synod_client_wait(client, UNTIL_ALL_END_NS);
        }
        if (atomic_load(&reads[i].retry)) {
            atomic_fetch_add(&reading.different, 1);
            given_up = true;
        }
    }
    progress(context, records->count);
    free(reads);
    return atomic_load(&reading.different);
}
