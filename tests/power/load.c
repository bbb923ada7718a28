/* See load.h. */
#include "tests/power/load.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/kv_client.h"
#include "cli/connect.h"

#define KEY_MAX 64
/* Of the tracks that make keys: blocks of some weight. */
#define NEW_VALUE_BYTES 200
/* Short, so that cuts of all make unknown outcomes to be settled. */
#define DEADLINE_NS UINT64_C(2000000000)
#define READ_PATIENCE_NS UINT64_C(20000000000)

void load_violate(load_t *load, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (!load->violated)
        vsnprintf(load->reason, sizeof load->reason, format, arguments);
    load->violated = true;
    va_end(arguments);
}

/* ---- operations ---- */

static bytes_t track_key(const track_t *track, uint64_t number, char text[KEY_MAX]) {
    static const char *const names[TRACK_KINDS] = {"add", "swap", "new"};
    int size = track->kind == TRACK_NEW
                   ? snprintf(text, KEY_MAX, "%s/%02u/%010" PRIu64, names[track->kind],
                              track->index, number)
                   : snprintf(text, KEY_MAX, "%s/%02u", names[track->kind], track->index);
    return bytes_of(text, (size_t)size);
}

static bytes_t swap_value(uint64_t number, char text[KEY_MAX]) {
    return bytes_of(text, (size_t)snprintf(text, KEY_MAX, "value %" PRIu64, number));
}

static bytes_t new_value(uint64_t number, char text[NEW_VALUE_BYTES]) {
    int size = snprintf(text, NEW_VALUE_BYTES, "%" PRIu64 " ", number);
    memset(text + size, 'a' + (int)(number % 26), NEW_VALUE_BYTES - (size_t)size);
    return bytes_of(text, NEW_VALUE_BYTES);
}

static void encode_next(const track_t *track, writer_t *to) {
    char key_text[KEY_MAX], old_text[KEY_MAX], value_text[NEW_VALUE_BYTES];
    bytes_t key = track_key(track, track->done + 1, key_text);
    if (track->kind == TRACK_ADD) {
        kv_encode_increment(to, key, 1);
        return;
    }
    kv_condition_t condition = {.kind = KV_ABSENT};
    if (track->kind == TRACK_SWAP && track->done > 0)
        condition = (kv_condition_t){KV_EQUALS, swap_value(track->done, old_text)};
    bytes_t value = track->kind == TRACK_SWAP ? swap_value(track->done + 1, value_text)
                                              : new_value(track->done + 1, value_text);
    kv_encode_swap(to, key, condition, (kv_maybe_t){true, value});
}

/* ---- answers; the mutex is held ---- */

static void ran(track_t *track, const synod_client_result *result) {
    load_t *load = track->load;
    int64_t number = 0;
    if (track->kind == TRACK_ADD && result->status == SYNOD_OK &&
        (!kv_read_increment(result->result, &number) || number != (int64_t)track->done + 1))
        load_violate(load,
                     "counter %u told %" PRId64 " after %" PRIu64 " acknowledged increments: "
                     "%s",
                     track->index, number, track->done,
                     number <= (int64_t)track->done ? "what was acknowledged is lost"
                                                    : "an increment ran twice");
    track->done++;
    track->open = false;
    track->answered_ns = track->asked_ns;
    load->acknowledged++;
    load->settled += result->late || result->status == SYNOD_UNKNOWN;
    load->unknown += !result->late && result->status == SYNOD_UNKNOWN;
    load->height = result->height > load->height ? result->height : load->height;
}

static void on_done(void *context, const synod_client_result *result) {
    track_t *track = context;
    load_t *load = track->load;
    uint16_t index;
    pthread_mutex_lock(&load->mutex);
    if (result->status == SYNOD_OK || (result->status == SYNOD_UNKNOWN && result->height != 0)) {
        ran(track, result);
    } else if (result->status == SYNOD_UNKNOWN) {
        load->unknown++;
    } else if (result->status == SYNOD_BUSY) { /* nothing happened: once more */
        track->open = false;
        load->busy++;
    } else if (result->status == SYNOD_APP_ERROR) {
        load_violate(
            load,
            "track %u, operation %" PRIu64 ": refused (%s): what was acknowledged is lost, "
            "or it ran twice",
            track->index, track->done + 1, kv_error_text(kv_read_error(result->result, &index)));
    } else {
        load_violate(load, "track %u, operation %" PRIu64 ": %s", track->index, track->done + 1,
                     synod_status_text(result->status));
    }
    pthread_mutex_unlock(&load->mutex);
}

/* ---- serving ---- */

bool load_open(load_t *load, const char *genesis, uint64_t interval_ns, char *why, size_t size) {
    memset(load, 0, sizeof *load);
    pthread_mutex_init(&load->mutex, NULL);
    load->interval_ns = interval_ns;
    synod_client_options options = {.size_bytes = sizeof options,
                                    .genesis_path = genesis,
                                    .deadline_ns = DEADLINE_NS,
                                    .query_deadline_ns = DEADLINE_NS};
    for (uint32_t i = 0; i < LOAD_CLIENTS; i++)
        if (synod_client_open(&options, &load->clients[i], why, size) != SYNOD_OK)
            return false;
    for (uint32_t i = 0; i < LOAD_TRACKS; i++)
        load->tracks[i] = (track_t){.load = load,
                                    .client = load->clients[i % LOAD_CLIENTS],
                                    .index = i,
                                    .kind = (track_kind_t)(i / LOAD_CLIENTS % TRACK_KINDS)};
    return true;
}

void load_serve(load_t *load) {
    uint8_t room[2 * KEY_MAX + NEW_VALUE_BYTES + 64];
    uint64_t now = monotonic_ns();
    pthread_mutex_lock(&load->mutex);
    for (uint32_t i = 0; i < LOAD_TRACKS && !load->violated; i++) {
        track_t *track = &load->tracks[i];
        /* Each at a pace of its own, so that at any moment some are under way. */
        uint64_t interval_ns = load->interval_ns * (1 + i % 8) / 4;
        if (track->open || (track->asked_ns != 0 && now - track->asked_ns < interval_ns))
            continue;
        writer_t writer = writer_of(room, sizeof room);
        encode_next(track, &writer);
        track->open =
            synod_client_submit(track->client, writer_bytes(&writer), on_done, track) == SYNOD_OK;
        track->asked_ns = now;
        load->busy += !track->open;
    }
    pthread_mutex_unlock(&load->mutex);
}

uint32_t load_open_tracks(load_t *load) {
    uint32_t count = 0;
    pthread_mutex_lock(&load->mutex);
    for (uint32_t i = 0; i < LOAD_TRACKS; i++)
        count += load->tracks[i].open;
    pthread_mutex_unlock(&load->mutex);
    return count;
}

uint32_t load_served_since(load_t *load, uint64_t since_ns) {
    uint32_t count = 0;
    pthread_mutex_lock(&load->mutex);
    for (uint32_t i = 0; i < LOAD_TRACKS; i++)
        count += load->tracks[i].answered_ns > since_ns;
    pthread_mutex_unlock(&load->mutex);
    return count;
}

void load_close(load_t *load) {
    for (uint32_t i = 0; i < LOAD_CLIENTS; i++)
        if (load->clients[i] != NULL)
            synod_client_close(load->clients[i]);
    pthread_mutex_destroy(&load->mutex);
}

/* ---- the judge ---- */

typedef struct read {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool done;
    synod_status status;
    size_t size;
    uint8_t bytes[1u << 18];
} read_t;

static void on_read(void *context, const synod_client_result *result) {
    read_t *read = context;
    pthread_mutex_lock(&read->mutex);
    read->done = true;
    read->status = result->status;
    read->size = result->result.size < sizeof read->bytes ? result->result.size : 0;
    if (read->size > 0)
        memcpy(read->bytes, result->result.data, read->size);
    pthread_cond_signal(&read->changed);
    pthread_mutex_unlock(&read->mutex);
}

/* f + 1 equal answers, asked again while there are none. */
static bool read_chain(load_t *load, bytes_t query, read_t *read) {
    uint64_t end = monotonic_ns() + READ_PATIENCE_NS;
    do {
        read->done = false;
        if (synod_client_query(load->clients[0], query, false, on_read, read) != SYNOD_OK)
            return false;
        pthread_mutex_lock(&read->mutex);
        while (!read->done)
            pthread_cond_wait(&read->changed, &read->mutex);
        pthread_mutex_unlock(&read->mutex);
    } while (read->status != SYNOD_OK && monotonic_ns() < end);
    return read->status == SYNOD_OK;
}

static void judge_value(load_t *load, const track_t *track, uint64_t number, read_t *read) {
    char key_text[KEY_MAX], value_text[NEW_VALUE_BYTES];
    uint8_t query[2 * KEY_MAX], number_bytes[8];
    writer_t writer = writer_of(query, sizeof query);
    kv_maybe_t value;
    bytes_t key = track_key(track, number, key_text);
    kv_encode_get(&writer, key);
    if (!read_chain(load, writer_bytes(&writer), read) ||
        !kv_read_get(bytes_of(read->bytes, read->size), &value)) {
        load_violate(load, "%s cannot be read: %s", key_text, synod_status_text(read->status));
        return;
    }
    store_u64(number_bytes, number);
    bytes_t wanted = track->kind == TRACK_ADD    ? bytes_of(number_bytes, sizeof number_bytes)
                     : track->kind == TRACK_SWAP ? swap_value(number, value_text)
                                                 : new_value(number, value_text);
    bool there = number > 0 && number <= track->done;
    if (value.present != there || (there && !bytes_equal(value.value, wanted)))
        load_violate(load, "%s after %" PRIu64 " acknowledged operations: %s", key_text,
                     track->done,
                     !there           ? "is there, though it was never asked for"
                     : !value.present ? "an acknowledged operation is lost"
                                      : "has another value than what was acknowledged");
}

/* All keys that a track made, in order, none missing and none more. */
static void judge_keys(load_t *load, const track_t *track, read_t *read) {
    char prefix[KEY_MAX], after[KEY_MAX] = "", key_text[KEY_MAX], value_text[NEW_VALUE_BYTES];
    uint8_t query[4 * KEY_MAX];
    uint64_t number = 0;
    kv_scan_reader_t scan = {.more = true};
    int prefix_size = snprintf(prefix, sizeof prefix, "new/%02u/", track->index);
    while (scan.more && !load->violated) {
        writer_t writer = writer_of(query, sizeof query);
        kv_scan_bounds_t bounds = {.after = bytes_of(after, strlen(after)),
                                   .entries_max = 512,
                                   .bytes_max = sizeof read->bytes - 4096};
        bytes_t key, value;
        kv_encode_scan(&writer, bytes_of(prefix, (size_t)prefix_size), &bounds);
        if (!read_chain(load, writer_bytes(&writer), read) ||
            !kv_read_scan(bytes_of(read->bytes, read->size), false, &scan)) {
            load_violate(load, "%s cannot be read: %s", prefix, synod_status_text(read->status));
            return;
        }
        while (kv_read_scan_next(&scan, &key, &value)) {
            number++;
            if (!bytes_equal(key, track_key(track, number, key_text)) ||
                !bytes_equal(value, new_value(number, value_text)))
                load_violate(load, "%s is not what stands there: an acknowledged operation is lost",
                             key_text);
            snprintf(after, sizeof after, "%.*s", (int)key.size, (const char *)key.data);
        }
    }
    if (number != track->done)
        load_violate(load, "%s: %" PRIu64 " keys were acknowledged, %" PRIu64 " are there", prefix,
                     track->done, number);
}

void load_judge(load_t *load, bool all) {
    read_t *read = calloc(1, sizeof *read);
    if (read == NULL) {
        load_violate(load, "out of memory");
        return;
    }
    pthread_mutex_init(&read->mutex, NULL);
    pthread_cond_init(&read->changed, NULL);
    for (uint32_t i = 0; i < LOAD_TRACKS && !load->violated; i++) {
        const track_t *track = &load->tracks[i];
        if (track->kind != TRACK_NEW || track->done > 0)
            judge_value(load, track, track->done, read);
        if (track->kind == TRACK_NEW && !load->violated)
            judge_value(load, track, track->done + 1, read);
        if (track->kind == TRACK_NEW && all && !load->violated)
            judge_keys(load, track, read);
    }
    pthread_cond_destroy(&read->changed);
    pthread_mutex_destroy(&read->mutex);
    free(read);
}
