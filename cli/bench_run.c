/* The course of a run: warm up, measure, strike, tell how it goes, wait for the last answers. */
#include <time.h>

#include "cli/bench.h"

#define WARM_UP_NS UINT64_C(1000000000)
#define TICK_NS 5000000
#define PROGRESS_NS UINT64_C(1000000000)
#define LAST_ANSWERS_NS UINT64_C(10000000000)

double interval_begin_s(const bench_t *b, uint32_t interval) {
    return (double)(interval * b->interval_ns) / 1e9;
}

static uint64_t interval_length_ns(const bench_t *b, uint32_t interval) {
    uint64_t begin = interval * b->interval_ns;
    uint64_t left = b->duration_ns - begin;
    return left < b->interval_ns ? left : b->interval_ns;
}

double interval_rate(const bench_t *b, uint32_t interval) {
    return (double)b->intervals[interval].latencies.total * 1e9 /
           (double)interval_length_ns(b, interval);
}

/* A line a second; on a terminal each over the one before. */
static void tell(const bench_t *b, uint64_t now_ns, uint64_t *told_ns, uint64_t *told) {
    if (b->json || now_ns < *told_ns + PROGRESS_NS || b->duration_ns < 2 * PROGRESS_NS)
        return;
    uint64_t measured = atomic_load(&b->measured);
    double seconds = (double)(now_ns - *told_ns) / 1e9;
    unsigned leader = atomic_load(&b->leader);
    char name[16] = "not seen";
    if (leader != MEMBER_NONE)
        snprintf(name, sizeof name, "%u", leader);
    printf("%s%6.1f of %.1f s  %9.0f operations/s  leader %s%s", on_terminal() ? "\r" : "",
           (double)(now_ns - b->from_ns) / 1e9, (double)b->duration_ns / 1e9,
           (double)(measured - *told) / seconds, name, on_terminal() ? "   " : "\n");
    fflush(stdout);
    *told_ns = now_ns;
    *told = measured;
}

/* -1, or the exit code when a validator ended by itself. */
static int lead(bench_t *b) {
    uint64_t told_ns = b->from_ns, told = 0;
    char reason[1024];
    for (uint64_t now; (now = monotonic_ns()) < b->to_ns;) {
        strikes_advance(b, now);
        tell(b, now, &told_ns, &told);
        int ended = cluster_check(&b->cluster, reason, sizeof reason);
        if (ended >= 0)
            return failed(b->verb, "validator %d ended: %s", ended, reason);
        uint64_t left = b->to_ns - now;
        nanosleep(&(struct timespec){0, left < TICK_NS ? (long)left : TICK_NS}, NULL);
    }
    return -1;
}

static void sleep_until(uint64_t at_ns) {
    uint64_t now = monotonic_ns();
    if (now < at_ns)
        nanosleep(&(struct timespec){(time_t)((at_ns - now) / 1000000000),
                                     (long)((at_ns - now) % 1000000000)},
                  NULL);
}

int bench_run(bench_t *b) {
    uv_thread_t load, watch;
    b->begin_ns = monotonic_ns();
    b->to_ns = b->begin_ns + WARM_UP_NS + b->duration_ns;
    b->last_answer_ns = b->begin_ns;
    b->from_ns = b->begin_ns + WARM_UP_NS;
    if (uv_thread_create(&load, bench_load, b) != 0)
        return failed(b->verb, "no thread can be started");
    bool watching = uv_thread_create(&watch, bench_watch, b) == 0;
    sleep_until(b->from_ns);
    bench_read(b, &b->from);
    int code = lead(b);
    bench_read(b, &b->to);
    atomic_store(&b->ending, true);
    uv_thread_join(&load);
    if (watching)
        uv_thread_join(&watch);
    if (!b->json && on_terminal())
        printf("\n");
    if (code < 0)
        (void)synod_client_wait(b->client, LAST_ANSWERS_NS);
    synod_client_close(b->client);
    bench_note_pause(b, b->to_ns);
    return code;
}
