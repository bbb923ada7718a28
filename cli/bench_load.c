/* The load of a bench: operations drawn from the profile, submitted in a closed loop (so many
 * outstanding) or an open one (a rate), and what becomes of them.
 *
 * In open loop an operation's time runs from when it was due, whether or not the client could take
 * it then, so that a stall is not left out ("coordinated omission"). */
#include <string.h>
#include <time.h>

#include "app/kv_client.h"
#include "cli/bench.h"

#define KEY_BYTES 16
#define SET_BYTES (KV_SET_AROUND_BYTES + KEY_BYTES) /* a `set` of an empty value */
#define AWAIT_NS UINT64_C(20000000)                 /* then looks at the clock */
/* An idle chain settles its root, here that of all keys at once. Else that would fall into the
 * measured time, and a client that had to ask again avoids the leader for seconds. */
#define SETTLE_SECONDS 1
#define PRELOAD_BATCH 100
#define PRELOAD_OUTSTANDING 16
#define PRELOAD_PATIENCE_NS UINT64_C(60000000000)
#define PROGRESS_NS UINT64_C(1000000000)

static bench_t *running; /* for callbacks, whose context is the operation's number */

/* ---- answers ---- */

/* A value that was set before anything was measured must be there. */
static bool read_is_right(const synod_client_result *result) {
    kv_maybe_t value;
    return kv_read_get(result->result, &value) && value.present;
}

static void count_interval(bench_t *b, uint64_t now_ns, uint64_t took_ns, bool answered,
                           bool good) {
    uint64_t index = (now_ns - b->from_ns) / b->interval_ns;
    interval_t *interval = &b->intervals[index < b->interval_count ? index : b->interval_count - 1];
    interval->failed += !good;
    if (!answered)
        return;
    histogram_add(&interval->latencies, took_ns);
    atomic_fetch_add(&b->measured, 1);
}

static void count_latency(bench_t *b, const started_t *start, uint64_t now_ns) {
    uint64_t when = b->rate == 0 ? now_ns : start->at_ns;
    if (when < b->from_ns || when >= b->to_ns)
        return;
    histogram_add(&b->latencies, now_ns - start->at_ns);
    histogram_add(start->read ? &b->read_latencies : &b->write_latencies, now_ns - start->at_ns);
}

/* How long nothing was answered since the last strike. */
void bench_note_pause(bench_t *b, uint64_t now_ns) {
    unsigned struck = atomic_load(&b->struck);
    if (struck > 0) {
        mark_t *mark = &b->marks[struck - 1];
        uint64_t struck_ns = b->from_ns + mark->at_ns;
        uint64_t since = b->last_answer_ns > struck_ns ? b->last_answer_ns : struck_ns;
        if (now_ns > since && now_ns - since > atomic_load(&mark->pause_ns))
            atomic_store(&mark->pause_ns, now_ns - since);
    }
    b->last_answer_ns = now_ns;
}

/* The client gave it up, at its deadline or at the end: what it took until then is no latency. */
static bool is_answered(const synod_client_result *result) {
    return result->status != SYNOD_BUSY && (result->status != SYNOD_UNKNOWN || result->height != 0);
}

static void on_done(void *context, const synod_client_result *result) {
    bench_t *b = running;
    const started_t *start = &b->starts[(uint64_t)(uintptr_t)context % STARTS];
    if (result->late)
        return;
    uint64_t now = monotonic_ns();
    bool good = result->status == SYNOD_OK && (!start->read || read_is_right(result));
    if (!good)
        atomic_fetch_add(&b->failed, 1);
    bool answered = is_answered(result);
    if (answered)
        atomic_fetch_add(&b->answered, 1);
    if (b->from_ns != 0) {
        if (answered)
            count_latency(b, start, now);
        bool ordered = !(start->read && b->queries);
        if (now >= b->from_ns && now < b->to_ns) {
            if (good && ordered) /* who answers questions need not order anything */
                bench_note_pause(b, now);
            count_interval(b, now, now - start->at_ns, answered, good);
            if (result->height < BLOCKS_COUNTED && ordered)
                b->block_operations[result->height]++;
        }
    }
    uint64_t completed = atomic_fetch_add(&b->completed, 1) + 1;
    if (completed != atomic_load(&b->awaited))
        return;
    uv_mutex_lock(&b->mutex);
    uv_cond_signal(&b->reached);
    uv_mutex_unlock(&b->mutex);
}

/* ---- operations ---- */

static synod_status submit(bench_t *b, const draw_t *draw, uint64_t start_ns) {
    static uint8_t operation[PROFILE_SIZE_MAX + SET_BYTES], value[PROFILE_SIZE_MAX];
    char key[KEY_BYTES + 1];
    snprintf(key, sizeof key, "key%013llu", (unsigned long long)draw->key);
    writer_t writer = writer_of(operation, sizeof operation);
    if (draw->read)
        kv_encode_get(&writer, bytes_of(key, KEY_BYTES));
    else
        kv_encode_set(&writer, bytes_of(key, KEY_BYTES),
                      bytes_of(value, draw->size > SET_BYTES ? draw->size - SET_BYTES : 0));
    b->starts[b->submitted % STARTS] = (started_t){start_ns, draw->read};
    void *number = (void *)(uintptr_t)b->submitted;
    synod_status status =
        draw->read && b->queries
            ? synod_client_query(b->client, writer_bytes(&writer), false, on_done, number)
            : synod_client_submit(b->client, writer_bytes(&writer), on_done, number);
    if (status == SYNOD_OK)
        b->submitted++;
    return status;
}

/* The next operation of the profile. False: the client takes no more now. */
static bool submit_next(bench_t *b, uint64_t start_ns) {
    if (!b->drawn)
        b->next = profile_draw(&b->profile);
    b->drawn = submit(b, &b->next, start_ns) != SYNOD_OK;
    if (!b->drawn && start_ns >= b->from_ns && start_ns < b->to_ns)
        b->key_operations[b->next.key]++;
    return !b->drawn;
}

/* Submits what is due. False: the client took no more. */
static bool advance(bench_t *b) {
    if (b->rate == 0) {
        uint64_t limit = b->outstanding * b->batch;
        while (b->submitted - atomic_load(&b->completed) < limit)
            if (!submit_next(b, monotonic_ns()))
                return false;
        return true;
    }
    uint64_t now = monotonic_ns();
    now = now < b->to_ns ? now : b->to_ns;
    for (;;) {
        uint64_t due = b->begin_ns + (uint64_t)((double)b->submitted * 1e9 / (double)b->rate);
        if (due > now)
            return true;
        if (!submit_next(b, due))
            return false;
    }
}

/* Until there is room for one request more. Looking again and again would take processor time from
 * what is measured: at one request at a time a tenth of it. */
static void await_room(bench_t *b) {
    uint64_t ahead = (b->outstanding - 1) * b->batch;
    uint64_t wanted = b->submitted > ahead ? b->submitted - ahead : 0;
    uv_mutex_lock(&b->mutex);
    atomic_store(&b->awaited, wanted);
    if (atomic_load(&b->completed) < wanted)
        (void)uv_cond_timedwait(&b->reached, &b->mutex, AWAIT_NS);
    uv_mutex_unlock(&b->mutex);
}

static uint64_t thread_cpu_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void bench_load(void *context) {
    bench_t *b = context;
    while (!atomic_load(&b->ending)) {
        atomic_store(&b->generator_cpu_us, thread_cpu_us());
        bool taken = advance(b);
        if (taken && b->rate == 0)
            await_room(b);
        else
            nanosleep(&(struct timespec){0, 200000}, NULL);
    }
    if (b->rate != 0) /* the last that were due: this thread may have slept over the end */
        (void)advance(b);
}

/* ---- before it ---- */

int bench_open_client(bench_t *b, uint64_t batch, uint64_t outstanding) {
    synod_client_options tuning = {.batch_operations = (uint32_t)batch,
                                   .window = (uint32_t)outstanding,
                                   .queue_operations = 1u << 18};
    running = b;
    return local_client(b->verb, &b->cluster, &tuning, &b->client);
}

static void tell_progress(const bench_t *b, uint64_t *next_ns) {
    if (b->json || monotonic_ns() < *next_ns)
        return;
    *next_ns += PROGRESS_NS;
    printf("loading %llu keys: %llu %%\n", (unsigned long long)b->keys,
           (unsigned long long)(atomic_load(&b->completed) * 100 / b->keys));
    fflush(stdout);
}

int bench_preload(bench_t *b) {
    int code = bench_open_client(b, PRELOAD_BATCH, PRELOAD_OUTSTANDING);
    if (code >= 0)
        return code;
    uint64_t end = monotonic_ns() + PRELOAD_PATIENCE_NS, tell_ns = monotonic_ns() + PROGRESS_NS;
    draw_t draw = profile_draw(&b->profile);
    draw.read = false;
    while (b->submitted < b->keys && monotonic_ns() < end) {
        uint64_t under_way = b->submitted - atomic_load(&b->completed);
        draw.key = b->submitted;
        if (under_way < PRELOAD_BATCH * PRELOAD_OUTSTANDING &&
            submit(b, &draw, monotonic_ns()) == SYNOD_OK) {
            draw = profile_draw(&b->profile);
            draw.read = false;
            continue;
        }
        tell_progress(b, &tell_ns);
        nanosleep(&(struct timespec){0, 100000}, NULL);
    }
    bool done = synod_client_wait(b->client, PRELOAD_PATIENCE_NS) && b->submitted == b->keys &&
                atomic_load(&b->failed) == 0;
    synod_client_close(b->client);
    nanosleep(&(struct timespec){.tv_sec = SETTLE_SECONDS}, NULL);
    b->submitted = 0;
    atomic_store(&b->completed, 0);
    atomic_store(&b->answered, 0);
    return done ? -1 : failed(b->verb, "the keys could not be loaded in time");
}
