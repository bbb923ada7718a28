/* Whole replicas in the simulated world, without chance: commit, view change, restart, power cut,
 * cut off, retries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/kv_client.h"
#include "sim/world.h"

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define MEMBERS 4

static void print_line(void *context, uint64_t now_ns, const char *text) {
    (void)context;
    fprintf(stderr, "%10.3f ms  %s\n", (double)now_ns / 1e6, text);
}

static world_options_t quiet(void) {
    world_options_t options = world_options_quiet(MEMBERS);
    if (getenv("SYNOD_PLAY") != NULL)
        options.line = print_line;
    return options;
}

static uint32_t increment(world_t *w, uint32_t client) {
    uint8_t room[64];
    writer_t writer = writer_of(room, sizeof room);
    kv_encode_increment(&writer, bytes_of("counter", 7), 1);
    return world_submit(w, client, writer_bytes(&writer));
}

static int64_t number(world_t *w, uint32_t client, uint32_t request) {
    int64_t told = -1;
    world_outcome_t outcome = world_outcome(w, client, request);
    assert_true(outcome.answered);
    assert_int_equal(outcome.status, SYNOD_OK);
    assert_true(kv_read_increment(outcome.result, &told));
    return told;
}

static void nothing_violated(world_t *w) {
    const world_report_t *report = world_report(w);
    if (report->violated != VIOLATION_NONE)
        print_message("%s: %s\n", violation_name(report->violated), report->text);
    assert_int_equal(report->violated, VIOLATION_NONE);
}

static void settle(world_t *w, uint64_t within_ns) {
    bool settled = world_settle(w, world_now_ns(w) + within_ns);
    nothing_violated(w);
    if (!settled)
        for (member_t m = 0; m < MEMBERS; m++) {
            status_report_t s = world_status(w, m);
            print_message("member %u: view %llu leader %u certified %llu final %llu executed %llu "
                          "pending %llu\n",
                          m, (unsigned long long)s.view, s.leader, (unsigned long long)s.certified,
                          (unsigned long long)s.final, (unsigned long long)s.executed,
                          (unsigned long long)s.pending_requests);
        }
    assert_true(settled);
}

static void commits_requests(void **state) {
    (void)state;
    world_options_t options = quiet();
    world_t *w = world_open(&options);
    assert_non_null(w);
    for (int i = 0; i < 20; i++)
        increment(w, 0);
    settle(w, 5 * SECOND);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(number(w, 0, i), i + 1);
    assert_true(world_roots_equal(w));
    assert_true(world_report(w)->views_failed == 0);
    /* Idle: nothing goes on for ever but rests. */
    uint64_t events = world_report(w)->events;
    world_until(w, world_now_ns(w) + 60 * SECOND);
    assert_true(world_report(w)->events < events + 300);
    nothing_violated(w);
    world_close(w);
}

static void one_member_alone(void **state) {
    (void)state;
    world_options_t options = quiet();
    options.members = 1;
    world_t *w = world_open(&options);
    for (int i = 0; i < 5; i++)
        increment(w, 0);
    assert_true(world_settle(w, 10 * SECOND));
    world_crash(w, 0);
    world_restart(w, 0);
    increment(w, 0);
    assert_true(world_settle(w, 30 * SECOND));
    assert_int_equal(number(w, 0, 5), 6);
    nothing_violated(w);
    world_close(w);
}

static void leader_crashes(void **state) {
    (void)state;
    world_options_t options = quiet();
    world_t *w = world_open(&options);
    increment(w, 0);
    settle(w, 5 * SECOND);
    member_t leader = world_status(w, 1).leader;
    world_crash(w, leader);
    uint32_t request = increment(w, 0);
    settle(w, 10 * SECOND);
    assert_int_equal(number(w, 0, request), 2);
    assert_true(world_status(w, (leader + 1) % MEMBERS).views_failed > 0);
    assert_int_not_equal(world_status(w, (leader + 1) % MEMBERS).leader, leader);
    /* It comes back from its journal and catches up, without any new request. */
    world_restart(w, leader);
    settle(w, 5 * SECOND);
    assert_true(world_roots_equal(w));
    request = increment(w, 0);
    settle(w, 5 * SECOND);
    assert_int_equal(number(w, 0, request), 3);
    world_close(w);
}

static void backup_catches_up_by_sync(void **state) {
    (void)state;
    world_options_t options = quiet();
    options.segments = 16;
    world_t *w = world_open(&options);
    increment(w, 0);
    settle(w, 5 * SECOND);
    world_crash(w, 3);
    for (int i = 0; i < 200; i++) {
        increment(w, 0);
        world_until(w, world_now_ns(w) + 10 * MS);
    }
    settle(w, 30 * SECOND);
    assert_true(world_height(w, 0) > 100); /* more than is kept in memory: read from the journal */
    world_restart(w, 3);
    settle(w, 30 * SECOND);
    assert_true(world_roots_equal(w));
    world_close(w);
}

static void power_cut_of_all(void **state) {
    (void)state;
    uint32_t halfway = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        world_options_t options = quiet();
        options.seed = seed;
        options.client_window = 16;
        options.client_batch = 1;
        world_t *w = world_open(&options);
        while (client_session(world_client(w, 0)) == 0)
            world_until(w, world_now_ns(w) + MS);
        for (int i = 0; i < 10; i++) {
            increment(w, 0);
            world_until(w, world_now_ns(w) + MS);
        }
        /* At a moment in which blocks are on their way. */
        world_until(w, world_now_ns(w) + seed * MS / 4);
        uint32_t answered = 0;
        for (uint32_t i = 0; i < 10; i++)
            answered += world_outcome(w, 0, i).answered;
        for (member_t m = 0; m < MEMBERS; m++)
            world_power_off(w, m);
        world_until(w, world_now_ns(w) + 100 * MS);
        for (member_t m = 0; m < MEMBERS; m++)
            world_restart(w, m);
        settle(w, 60 * SECOND);
        uint32_t told = 0; /* outstanding together, in any order; each number once */
        for (uint32_t i = 0; i < 10; i++)
            told |= UINT32_C(1) << number(w, 0, i);
        assert_int_equal(told, 0x7fe);
        assert_true(world_roots_equal(w));
        world_close(w);
        halfway += answered > 0 && answered < 10;
    }
    assert_true(halfway > 20);
}

static void cut_off_replica_catches_up(void **state) {
    (void)state;
    for (member_t cut = 0; cut < MEMBERS; cut++) {
        world_options_t options = quiet();
        options.seed = 7 + cut;
        world_t *w = world_open(&options);
        increment(w, 0);
        settle(w, 5 * SECOND);
        world_cut_off(w, cut);
        for (int i = 0; i < 30; i++) {
            increment(w, 0);
            world_until(w, world_now_ns(w) + 20 * MS);
        }
        world_until(w, world_now_ns(w) + 8 * SECOND);
        for (uint32_t i = 0; i < 31; i++)
            assert_true(world_outcome(w, 0, i).answered);
        nothing_violated(w);
        world_heal(w);
        settle(w, 20 * SECOND);
        assert_true(world_roots_equal(w));
        world_close(w);
    }
}

static void retries_run_once(void **state) {
    (void)state;
    world_options_t options = quiet();
    world_t *w = world_open(&options);
    increment(w, 0);
    settle(w, 5 * SECOND);
    uint32_t request = increment(w, 0);
    for (int i = 0; i < 50; i++) {
        world_send_again(w, 0, request, WORLD_ALL);
        world_until(w, world_now_ns(w) + MS / 2);
    }
    settle(w, 5 * SECOND);
    world_crash(w, 0);
    world_restart(w, 0);
    for (int i = 0; i < 50; i++) { /* long after it ran, and at replicas with a new life */
        world_send_again(w, 0, request, WORLD_ALL);
        world_until(w, world_now_ns(w) + 20 * MS);
    }
    uint32_t after = increment(w, 0);
    settle(w, 10 * SECOND);
    assert_int_equal(number(w, 0, request), 2);
    assert_int_equal(number(w, 0, after), 3);
    world_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_requests), cmocka_unit_test(one_member_alone),
        cmocka_unit_test(leader_crashes),   cmocka_unit_test(backup_catches_up_by_sync),
        cmocka_unit_test(power_cut_of_all), cmocka_unit_test(cut_off_replica_catches_up),
        cmocka_unit_test(retries_run_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
