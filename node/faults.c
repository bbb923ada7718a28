/* See faults.h. */
#include "node/faults.h"

#ifdef SYNOD_FAULT_HOOKS

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/kv_client.h"
#include "base/check.h"
#include "base/ring.h"
#include "node/misbehave.h"
#include "protocol/registry.h"

/* Appends whose truth is still to come. When there are so many, the next one is not lied about. */
#define EARLY_MAX 128
#define DAMAGE_BYTES (64u << 10)

typedef struct early_append {
    uint64_t token;
    void *copy; /* NULL: not lied about */
} early_append_t;

struct faults {
    node_t *node;
    misbehaviour_t *misbehaviour;
    bool unsynced, early, state;
    int promises; /* file; -1: none */
    /* what they stand before */
    host_t host;
    disk_events_t disk;
    /* promises */
    arena_t decode;
    /* early */
    uv_async_t tell;
    ring_t appends; /* at the disk: early_append_t */
    ring_t told;    /* to be reported in the next turn: uint64_t */
    /* state */
    uv_signal_t damage;
};

bool faults_built(void) {
    return true;
}

misbehaviour_t **faults_misbehaviour(node_t *node) {
    return &node->faults->misbehaviour;
}

/* ---- state: the application is seen through a table of our own ---- */

static struct {
    const synod_app *real;
    void *state;
    synod_app table;
} watched; /* open() has no context; a process with hooks runs one node */

static synod_status watched_open(void **state) {
    synod_status status = watched.real->open(state);
    watched.state = *state;
    return status;
}

static bool put_bytes(void *context, synod_bytes bytes) {
    writer_t *writer = context;
    write_bytes(writer, bytes.data, bytes.size);
    return !writer->failed;
}

/* The first entry with a value; false when the state has none of a size that fits. */
static bool first_entry(writer_t *reply, bytes_t *key, bytes_t *value) {
    uint8_t query[64];
    writer_t scan = writer_of(query, sizeof query);
    kv_scan_reader_t entries;
    kv_scan_bounds_t bounds = {.entries_max = 16, .bytes_max = DAMAGE_BYTES / 2};
    kv_encode_scan(&scan, (bytes_t){0}, &bounds);
    synod_writer to = {put_bytes, reply, DAMAGE_BYTES}, no_proof = {put_bytes, reply, 0};
    if (watched.real->query(watched.state, writer_bytes(&scan), false, &to, &no_proof) !=
            SYNOD_OK ||
        !kv_read_scan(writer_bytes(reply), false, &entries))
        return false;
    while (kv_read_scan_next(&entries, key, value))
        if (value->size > 0 && value->size < DAMAGE_BYTES / 4)
            return true;
    return false;
}

static void on_damage(uv_signal_t *handle, int number) {
    static uint8_t room[2 * DAMAGE_BYTES];
    node_t *node = handle->data;
    bytes_t key, value;
    writer_t reply = writer_of(room, DAMAGE_BYTES);
    (void)number;
    if (!first_entry(&reply, &key, &value)) {
        log_event(&node->log, LOG_WARNING, "faults", "state", "nothing is there to be damaged");
        return;
    }
    writer_t set = writer_of(room + DAMAGE_BYTES, DAMAGE_BYTES);
    room[(size_t)(value.data - room) + value.size - 1] ^= 1;
    kv_encode_set(&set, key, value);
    uint8_t answer[64];
    writer_t ignored = writer_of(answer, sizeof answer);
    synod_writer to = {put_bytes, &ignored, sizeof answer};
    synod_block_info block = {.operation_count = 1};
    synod_status status = watched.real->execute(watched.state, &block, writer_bytes(&set), &to);
    log_event(&node->log, LOG_WARNING, "faults", "state",
              "status=%d: a bit of the record with the first key was flipped", (int)status);
}

static void watch_app(replica_config_t *config) {
    watched.real = config->app;
    watched.table = *config->app;
    watched.table.open = watched_open;
    config->app = &watched.table;
}

/* ---- promises ---- */

static void note_promise(struct faults *faults, bytes_t frame) {
    const node_t *node = faults->node;
    message_t message;
    bytes_t payload;
    if (!own_message(node, &faults->decode, frame, &message, &payload))
        return;
    const phase_t *phase =
        &protocol_find(node->home.genesis.protocol.text)->phases[message.statement.phase];
    if (phase->authentication != AUTH_SIGNATURE || phase->slot == SLOT_NONE)
        return;
    uint8_t bytes[STATEMENT_BYTES];
    statement_encode(&message.statement, &node->committee.domain, bytes);
    ssize_t written = write(faults->promises, bytes, sizeof bytes);
    ensure(written == (ssize_t)sizeof bytes);
}

static void send_noted(void *context, const link_t *links, uint32_t count, lane_t lane,
                       bytes_t frame) {
    struct faults *faults = ((node_t *)context)->faults;
    note_promise(faults, frame);
    faults->host.send(context, links, count, lane, frame);
}

/* ---- early ---- */

static void append_early(void *context, uint64_t token, uint64_t offset, bytes_t bytes) {
    node_t *node = context;
    struct faults *faults = node->faults;
    early_append_t append = {.token = token};
    if (faults->appends.count < EARLY_MAX - 1) {
        append.copy = malloc(bytes.size);
        ensure(append.copy != NULL);
        memcpy(append.copy, bytes.data, bytes.size);
        bytes = bytes_of(append.copy, bytes.size);
    }
    bool kept = ring_push(&faults->appends, &append);
    ensure(kept);
    faults->host.append(context, token, offset, bytes);
    if (append.copy != NULL) {
        kept = ring_push(&faults->told, &token);
        ensure(kept);
        uv_async_send(&faults->tell);
    }
}

static void on_tell(uv_async_t *async) {
    node_t *node = async->data;
    struct faults *faults = node->faults;
    while (faults->told.count > 0) {
        uint64_t token = *(uint64_t *)ring_at(&faults->told, 0);
        ring_pop(&faults->told);
        faults->disk.on_appended(faults->disk.context, token, SYNOD_OK);
    }
}

static void on_appended_late(void *context, uint64_t token, synod_status status) {
    struct faults *faults = ((node_t *)context)->faults;
    early_append_t append = *(early_append_t *)ring_at(&faults->appends, 0);
    ensure(append.token == token);
    ring_pop(&faults->appends);
    if (append.copy == NULL)
        faults->disk.on_appended(context, token, status);
    free(append.copy);
}

/* ---- unsynced ---- */

static int no_sync(int file) {
    (void)file;
    return 0;
}

static const disk_calls_t unsynced_calls = {pwrite, pread, no_sync, false};

/* ---- slow ---- */

#define SLOW_SYNC_MAX_US 10000000

static uint32_t slow_sync_us; /* a call of the disk has no context; see `watched` */

static int slow_sync(int file) {
    int result = fdatasync(file);
    (void)usleep(slow_sync_us);
    return result;
}

static bool read_delay(const char *text) {
    char *end = NULL;
    unsigned long delay_us = strtoul(text, &end, 10);
    slow_sync_us = *end == '\0' && delay_us <= SLOW_SYNC_MAX_US ? (uint32_t)delay_us : 0;
    return slow_sync_us > 0;
}

static const disk_calls_t slow_calls = {pwrite, pread, slow_sync, true};

/* ---- open, bind, close ---- */

static synod_status open_promises(struct faults *faults, const char *path, reason_t *reason) {
    size_t size = message_arena_bytes(faults->node->home.genesis.member_count);
    void *memory = faults->decode.base != NULL ? faults->decode.base : malloc(size);
    if (memory == NULL)
        return reason_set(reason, SYNOD_NO_MEMORY, "out of memory");
    faults->decode = arena_of(memory, size);
    faults->promises = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return faults->promises >= 0 ? SYNOD_OK : reason_errno(reason, errno, "open", path);
}

static synod_status choose(struct faults *faults, const char *word, reason_t *reason) {
    if (strcmp(word, "unsynced") == 0)
        faults->unsynced = true;
    else if (strcmp(word, "early") == 0)
        faults->early = true;
    else if (strcmp(word, "state") == 0)
        faults->state = true;
    else if (strncmp(word, "slow=", 5) == 0 && read_delay(word + 5))
        return SYNOD_OK;
    else if (strncmp(word, "clock=", 6) == 0 && faults_read_clock(word + 6))
        return SYNOD_OK;
    else if (strncmp(word, "promises=", 9) == 0)
        return open_promises(faults, word + 9, reason);
    else
        return reason_set(reason, SYNOD_BAD_CONFIG,
                          "SYNOD_FAULT names '%s'; there are unsynced, slow=US, clock=MS, early, "
                          "state and promises=FILE",
                          word);
    return SYNOD_OK;
}

static void open_handles(struct faults *faults) {
    node_t *node = faults->node;
    uv_async_init(&node->loop, &faults->tell, on_tell);
    uv_signal_init(&node->loop, &faults->damage);
    faults->tell.data = faults->damage.data = node;
    if (faults->state)
        uv_signal_start(&faults->damage, on_damage, SIGUSR1);
}

synod_status faults_open(node_t *node, reason_t *reason) {
    char words[4096], *rest = words;
    const char *wanted = getenv("SYNOD_FAULT");
    struct faults *faults = calloc(1, sizeof *faults);
    void *appends = malloc(EARLY_MAX * sizeof(early_append_t));
    void *told = malloc(EARLY_MAX * sizeof(uint64_t));
    if (faults == NULL || appends == NULL || told == NULL ||
        (wanted != NULL && strlen(wanted) >= sizeof words)) {
        free(faults);
        free(appends);
        free(told);
        return reason_set(reason, SYNOD_NO_MEMORY, "the fault hooks cannot be set up");
    }
    node->faults = faults;
    faults->node = node;
    faults->promises = -1;
    faults->appends = ring_of(appends, sizeof(early_append_t), EARLY_MAX);
    faults->told = ring_of(told, sizeof(uint64_t), EARLY_MAX);
    faults->misbehaviour = misbehave_open(node);
    if (faults->misbehaviour == NULL)
        return reason_set(reason, SYNOD_NO_MEMORY, "the fault hooks cannot be set up");
    memcpy(words, wanted != NULL ? wanted : "", wanted != NULL ? strlen(wanted) + 1 : 1);
    synod_status status = SYNOD_OK;
    for (char *word; status == SYNOD_OK && (word = strsep(&rest, ",")) != NULL;)
        if (word[0] != '\0')
            status = choose(faults, word, reason);
    open_handles(faults);
    if (status == SYNOD_OK && words[0] != '\0')
        log_event(&node->log, LOG_WARNING, "faults", "on", "SYNOD_FAULT=%s", wanted);
    return status;
}

void faults_disk(node_t *node, disk_options_t *options, disk_events_t *events) {
    struct faults *faults = node->faults;
    if (faults->unsynced)
        options->calls = &unsynced_calls;
    else if (slow_sync_us > 0)
        options->calls = &slow_calls;
    faults->disk = *events;
    if (faults->early)
        events->on_appended = on_appended_late;
}

void faults_replica(node_t *node, replica_config_t *config) {
    struct faults *faults = node->faults;
    faults->host = node->host;
    if (faults->promises >= 0)
        node->host.send = send_noted;
    misbehave_bind(node); /* before it: what is noted is what leaves */
    if (faults->early)
        node->host.append = append_early;
    if (faults->state)
        watch_app(config);
}

void faults_close(node_t *node) {
    struct faults *faults = node->faults;
    if (faults == NULL)
        return;
    while (faults->appends.count > 0) {
        free(((early_append_t *)ring_at(&faults->appends, 0))->copy);
        ring_pop(&faults->appends);
    }
    if (faults->promises >= 0)
        (void)close(faults->promises);
    misbehave_free(faults->misbehaviour);
    free(faults->decode.base);
    free(faults->appends.items);
    free(faults->told.items);
    free(faults);
}

#else

bool faults_built(void) {
    return false;
}

#endif
