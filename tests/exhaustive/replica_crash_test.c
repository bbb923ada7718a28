/* Attack X11 for the whole replica, exhaustive in small: fixed runs of four replicas and one
 * client, in which each member in turn stops at each of its appends: killed before the write,
 * killed when it was durable but nobody had been told, power lost in the middle of it; and once
 * more at the first append of the life after, which ends the recovery. Then it comes back,
 * everything has to be answered and executed everywhere, and the oracles judge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "sim/world_state.h"

#define MEMBERS 4
#define LIMIT_NS (60 * SECOND)

/* What happens besides. */
typedef enum play { PLAY_QUIET, PLAY_LEADER_LOST, PLAY_COUNT } play_t;

typedef struct stop {
    member_t member;
    uint32_t append;
    trap_point_t point;
    bool again; /* and the next life at its first append */
} stop_t;

static world_t *open_play(play_t play) {
    world_options_t options = world_options_quiet(MEMBERS);
    options.seed = 11 + play;
    options.requests = 4;
    options.client_window = 2;
    options.client_batch = 1;
    options.submit_until_ns = 40 * MS;
    options.retry_ns = 100 * MS;
    options.segment_bytes = 128u << 10;
    options.chain.core.view_timeout_ns = 100 * MS;
    options.chain.core.payload_bytes_max = 16u << 10;
    world_t *w = world_open(&options);
    assert_non_null(w);
    return w;
}

/* How many traps have gone off. */
static uint64_t fired(const world_t *w) {
    const uint64_t *faults = w->report.faults;
    return faults[FAULT_CRASH_BEFORE_WRITE] + faults[FAULT_CRASH_AFTER_WRITE] +
           faults[FAULT_POWER_CUT];
}

/* In the second play the first leader is killed while requests are under way, and comes back. The
 * trap of a member lies where its append does; that of the leader in the one life or the other. */
static void happen(world_t *w, play_t play, const stop_t *stop, uint64_t *first_life) {
    bool later = play == PLAY_LEADER_LOST && stop->member == 0 && stop->append >= *first_life;
    if (stop->point != 0 && !later)
        world_trap(w, stop->member, stop->append, stop->point);
    if (play != PLAY_LEADER_LOST)
        return;
    world_until(w, 24 * MS);
    if (stop->point == 0)
        *first_life = world_appends(w, 0);
    world_crash(w, 0);
    world_until(w, 300 * MS);
    world_restart(w, 0);
    if (later)
        world_trap(w, 0, stop->append - (uint32_t)*first_life, stop->point);
    else if (stop->member == 0 && stop->again)
        world_trap(w, 0, 0, stop->point); /* this life is the one after the stop */
}

static void finish(world_t *w, const stop_t *stop) {
    for (member_t m = 0; m < MEMBERS; m++)
        world_restart(w, m);
    bool settled = world_settle(w, w->now_ns + LIMIT_NS);
    if (settled)
        oracle_finish(w);
    const world_report_t *report = world_report(w);
    if (!settled || report->violated != VIOLATION_NONE)
        print_message("member %u, append %u, point %d%s: %s: %s\n", stop->member, stop->append,
                      (int)stop->point, stop->again ? " and again" : "",
                      violation_name(report->violated), report->text);
    assert_true(settled);
    assert_int_equal(report->violated, VIOLATION_NONE);
    assert_int_equal(report->requests_answered, 4);
}

static void back_after_traps(world_t *w, const stop_t *stop, uint64_t count) {
    while (fired(w) < count && w->now_ns < LIMIT_NS && world_step(w))
        continue;
    if (fired(w) != count)
        print_message("member %u, append %u, point %d: not reached\n", stop->member, stop->append,
                      (int)stop->point);
    assert_int_equal(fired(w), count);
    world_until(w, w->now_ns + 30 * MS);
    world_restart(w, stop->member);
}

static void play_with(play_t play, const stop_t *stop, uint64_t first_life) {
    world_t *w = open_play(play);
    happen(w, play, stop, &first_life);
    bool both_laid =
        play == PLAY_LEADER_LOST && stop->member == 0 && stop->append < first_life && stop->again;
    if (!both_laid)
        back_after_traps(w, stop, 1);
    if (!both_laid && stop->again)
        world_trap(w, stop->member, 0, stop->point);
    if (stop->again)
        back_after_traps(w, stop, 2);
    finish(w, stop);
    world_close(w);
}

static void every_append(play_t play) {
    uint64_t appends[MEMBERS], first_life = 0;
    uint32_t points = 0;
    const stop_t none = {0};
    world_t *w = open_play(play);
    happen(w, play, &none, &first_life);
    finish(w, &none);
    for (member_t m = 0; m < MEMBERS; m++)
        appends[m] = world_appends(w, m);
    world_close(w);
    for (member_t m = 0; m < MEMBERS; m++)
        for (uint32_t append = 0; append < appends[m]; append++)
            for (int point = TRAP_BEFORE; point <= TRAP_POWER; point++)
                for (int again = 0; again < 2; again++, points++) {
                    stop_t stop = {m, append, (trap_point_t)point, again};
                    play_with(play, &stop, first_life);
                }
    print_message("X11: %u runs: %u + %u + %u + %u appends, three points each, once and twice\n",
                  points, (unsigned)appends[0], (unsigned)appends[1], (unsigned)appends[2],
                  (unsigned)appends[3]);
    assert_true(points >= 6 * MEMBERS * 10);
}

static void quiet_run(void **state) {
    (void)state;
    every_append(PLAY_QUIET);
}

static void leader_lost(void **state) {
    (void)state;
    every_append(PLAY_LEADER_LOST);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(quiet_run), cmocka_unit_test(leader_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
