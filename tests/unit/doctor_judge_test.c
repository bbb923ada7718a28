/* What the doctor concludes from figures, also from those that no test can make real validators
 * show: another version, another state, a full disk, a chain that stands still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/doctor_judge.h"

#define MEMBERS 4
#define MS UINT64_C(1000000)
#define GIB (UINT64_C(1) << 30)

static genesis_member_t members[MEMBERS];
static genesis_t genesis = {.members = members, .member_count = MEMBERS, .time_ns = 1000};
static member_info_t infos[MEMBERS];
static committee_t committee;
static survey_row_t rows[DOCTOR_ROUNDS][MEMBERS];
static survey_t surveys[DOCTOR_ROUNDS];
static uint8_t peers[DOCTOR_ROUNDS][MEMBERS][MEMBERS * STATUS_PEER_BYTES];
static findings_t findings;

static void set_peer(uint32_t member, uint32_t other, bool connected, uint32_t silent_ms) {
    for (uint32_t round = 0; round < DOCTOR_ROUNDS; round++) {
        writer_t writer =
            writer_of(peers[round][member] + other * STATUS_PEER_BYTES, STATUS_PEER_BYTES);
        status_peer_encode(&(status_peer_t){connected, connected ? silent_ms : UINT32_MAX, 0},
                           &writer);
    }
}

static void set_weights(uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    const uint64_t weights[MEMBERS] = {a, b, c, d};
    for (uint32_t m = 0; m < MEMBERS; m++)
        infos[m].weight = weights[m];
    committee = (committee_t){.size = MEMBERS,
                              .weight_total = a + b + c + d,
                              .faults = (a + b + c + d - 1) / 3,
                              .members = infos};
}

/* Four who are well and have work. */
static int healthy(void **state) {
    (void)state;
    set_weights(1, 1, 1, 1);
    for (uint32_t round = 0; round < DOCTOR_ROUNDS; round++) {
        surveys[round] = (survey_t){.size = MEMBERS,
                                    .answering = MEMBERS,
                                    .at_ns = 1 + round * 200 * MS,
                                    .wall_ns = 1000 + 50000 * MS + round * 200 * MS,
                                    .rows = rows[round]};
        for (uint32_t m = 0; m < MEMBERS; m++) {
            rows[round][m] = (survey_row_t){.member = m, .answered = true, .took_ns = MS};
            rows[round][m].report = (status_report_t){.member = m,
                                                      .final = 100 + 10 * round,
                                                      .executed = 100 + 10 * round,
                                                      .pending_requests = 3,
                                                      .root_height = 100,
                                                      .version = 256,
                                                      .phase = 2,
                                                      .time_ns = 50000 * MS + round * 200 * MS,
                                                      .disk_syncs = 10 * (round + 1),
                                                      .disk_sync_ns = 20 * MS * (round + 1),
                                                      .disk_free_bytes = 50 * GIB,
                                                      .disk_total_bytes = 100 * GIB};
            rows[round][m].report.peers = bytes_of(peers[round][m], sizeof peers[round][m]);
        }
    }
    for (uint32_t m = 0; m < MEMBERS; m++)
        for (uint32_t other = 0; other < MEMBERS; other++)
            set_peer(m, other, m != other, 5200);
    return 0;
}

static void judge(void) {
    doctor_input_t input = {.genesis = &genesis, .committee = &committee};
    for (uint32_t round = 0; round < DOCTOR_ROUNDS; round++)
        input.rounds[round] = &surveys[round];
    doctor_judge(&input, &findings);
}

/* Exactly one finding. */
static void expect(uint32_t member, const char *what, const char *evidence) {
    judge();
    const finding_t *finding = &findings.items[0];
    if (findings.count != 1 || finding->member != member || strstr(finding->what, what) == NULL ||
        strstr(finding->evidence, evidence) == NULL || finding->todo[0] == '\0')
        fail_msg("expected: %s (%s); %u findings, first: %s (%s)", what, evidence, findings.count,
                 finding->what, finding->evidence);
}

#define LAST (DOCTOR_ROUNDS - 1)
#define EACH(round) for (uint32_t round = 0; round < DOCTOR_ROUNDS; round++)

static void gone(uint32_t member, const char *trouble) {
    EACH(round) {
        rows[round][member].answered = false;
        snprintf(rows[round][member].trouble, sizeof rows[round][member].trouble, "%s", trouble);
    }
    for (uint32_t m = 0; m < MEMBERS; m++)
        set_peer(m, member, false, 0);
}

static void test_healthy(void **state) {
    (void)state;
    judge();
    assert_int_equal(findings.count, 0);
    EACH(round) { /* idle is healthy too */
        for (uint32_t m = 0; m < MEMBERS; m++) {
            rows[round][m].report.final = rows[round][m].report.executed = 100;
            rows[round][m].report.pending_requests = 0;
        }
    }
    judge();
    assert_int_equal(findings.count, 0);
}

static void test_gone(void **state) {
    (void)state;
    gone(2, "connection refused");
    expect(2, "is not running", "connection refused");
    gone(2, "domain differs: 00... here, 11... there (another genesis file)");
    expect(2, "runs with another genesis", "domain differs");
    gone(2, "");
    expect(2, "hangs or cannot be reached", "none of the others is connected");
    set_peer(0, 2, true, 100);
    expect(2, "does not answer us", "the others heard it 0.1 s ago");
    gone(1, "connection refused");
    judge(); /* two of four: that is named as well */
    assert_int_equal(findings.count, 3);
    assert_int_equal(findings.items[2].member, MEMBER_NONE);
    assert_non_null(strstr(findings.items[2].evidence, "2 of 4 answer, 3 are needed"));
}

/* What counts is the weight of those that answer, not how many they are. */
static void test_weights(void **state) {
    (void)state;
    set_weights(1, 1, 1, 4); /* 5 of 7 decide */
    gone(3, "connection refused");
    judge(); /* three of four are there, and not enough */
    assert_int_equal(findings.count, 2);
    assert_int_equal(findings.items[1].member, MEMBER_NONE);
    assert_non_null(strstr(findings.items[1].what, "too few validators"));
    assert_non_null(strstr(findings.items[1].evidence, "weight is 3 of 7, 5 are needed"));
    (void)healthy(NULL);
    set_weights(1, 1, 1, 4);
    gone(0, "connection refused");
    gone(1, "connection refused");
    judge(); /* half of them are, and are enough */
    assert_int_equal(findings.count, 2);
    assert_int_equal(findings.items[1].member, 1);
    (void)healthy(NULL);
    set_weights(1, 1, 1, 4);
    rows[LAST][3].report.root.bytes[0] = 0xab; /* it has most of the votes: the others differ */
    judge();
    assert_int_equal(findings.count, 3);
    assert_int_equal(findings.items[0].member, 0);
    assert_int_equal(findings.items[2].member, 2);
}

static void test_version_and_state(void **state) {
    (void)state;
    rows[LAST][3].report.version = 257;
    expect(3, "another version", "0.1.1, and 3 others run 0.1.0");
    rows[LAST][2].report.version = 257; /* two and two: nobody is the odd one */
    judge();
    assert_int_equal(findings.count, 0);
    (void)healthy(NULL);
    rows[LAST][1].report.root.bytes[0] = 0xab;
    expect(1, "another state than most", "at height 100 its root is ab000000");
    rows[LAST][1].report.root_height = 90; /* of another height it says nothing */
    judge();
    assert_int_equal(findings.count, 0);
}

/* Two and two: nobody is the odd one, and the chain is certainly not well. */
static void test_state_in_halves(void **state) {
    (void)state;
    rows[LAST][2].report.root.bytes[0] = rows[LAST][3].report.root.bytes[0] = 0xab;
    judge();
    assert_int_equal(findings.count, 4);
    assert_non_null(strstr(findings.items[0].what, "member 0 has another state than half"));
    assert_non_null(strstr(findings.items[3].evidence, "at height 100 its root is ab000000"));
}

/* It answered once and never again. That the others are far away is no excuse. */
static void test_went_silent(void **state) {
    (void)state;
    EACH(round) for (uint32_t m = 0; m < MEMBERS; m++) rows[round][m].took_ns = 60 * MS;
    for (uint32_t round = 1; round < DOCTOR_ROUNDS; round++)
        rows[round][3].answered = false;
    expect(3, "is slow", "9 of 10 questions");
    (void)healthy(NULL);
    rows[LAST][3].answered = false; /* just now */
    expect(3, "is slow", "1 of 10 questions");
}

static void test_disk(void **state) {
    (void)state;
    rows[LAST][0].report.disk_full = 1;
    expect(0, "is full", "a write waits for room");
    rows[LAST][0].report.disk_full = 0;
    rows[LAST][0].report.disk_free_bytes = 5 * GIB - 1;
    expect(0, "is nearly full", "5119 MiB of 102400 MiB");
    rows[LAST][0].report.disk_free_bytes = 5 * GIB;
    judge();
    assert_int_equal(findings.count, 0);
    rows[LAST][0].report.disk_sync_ns += 90 * 51 * MS;
    expect(0, "the disk of member 0 is slow", "those of the others 2.0 ms");
}

/* It runs, answers and is synced, and there is one vote fewer. */
static void test_mute(void **state) {
    (void)state;
    rows[LAST][1].report.mute = 1;
    expect(1, "member 1 does not vote", "what its key signed before is not known");
    rows[LAST][2].report.mute = 1; /* with all of them here */
    judge();
    assert_int_equal(findings.count, 3);
    assert_int_equal(findings.items[2].member, MEMBER_NONE);
    assert_non_null(strstr(findings.items[2].what, "too few validators for a quorum"));
    assert_non_null(strstr(findings.items[2].evidence, "2 of 4 answer and vote, 3 are needed"));
}

static void test_clock(void **state) {
    (void)state;
    rows[LAST][2].report.time_ns -= 2000 * MS;
    expect(2, "the clock of member 2 is wrong", "2.0 s behind");
    for (uint32_t m = 0; m < MEMBERS; m++) /* ours is: members agree */
        rows[LAST][m].report.time_ns = 90000 * MS;
    judge();
    assert_int_equal(findings.count, 0);
}

static void test_lag(void **state) {
    (void)state;
    EACH(round) rows[round][1].report.executed = 5;
    expect(1, "is behind and does not catch up", "height 5");
    EACH(round) rows[round][1].report.executed = 5 + 12 * round;
    expect(1, "is behind and catches up", "height 113");
    EACH(round) rows[round][1].report.executed = 190 - LAG_BLOCKS;
    judge();
    assert_int_equal(findings.count, 0);
}

static void test_slow(void **state) {
    (void)state;
    rows[0][3].took_ns = 400 * MS;
    judge(); /* once may happen to anybody */
    assert_int_equal(findings.count, 0);
    rows[4][3].answered = false;
    expect(3, "is slow", "2 of 10 questions");
    EACH(round) for (uint32_t m = 0; m < MEMBERS; m++) { /* a far away chain is not slow */
        rows[round][m].answered = true;
        rows[round][m].took_ns = 300 * MS;
    }
    judge();
    assert_int_equal(findings.count, 0);
}

static void test_partitions(void **state) {
    (void)state;
    set_peer(0, 1, false, 0);
    set_peer(1, 0, false, 0);
    expect(1, "members 0 and 1 do not reach each other", "neither has a connection");
    set_peer(1, 2, false, 0);
    set_peer(2, 1, false, 0);
    expect(1, "member 1 is cut off", "no connection to 2 of 3");
    (void)healthy(NULL);
    set_peer(2, 3, true, SILENT_MS);
    expect(2, "member 2 does not hear member 3", "nothing came from 3 for 6.5 s");
    set_peer(3, 2, true, SILENT_MS); /* both: they have nothing to say, or it ends soon */
    judge();
    assert_int_equal(findings.count, 0);
}

static void test_standstill(void **state) {
    (void)state;
    EACH(round) for (uint32_t m = 0; m < MEMBERS; m++) {
        rows[round][m].report.final = rows[round][m].report.executed = 100;
        rows[round][m].report.views_failed = round / 2;
    }
    expect(MEMBER_NONE, "requests wait and nothing becomes final", "4 views failed");
    EACH(round)
    for (uint32_t m = 0; m < MEMBERS; m++)
        rows[round][m].report.final = rows[round][m].report.executed = 100 + round;
    expect(MEMBER_NONE, "views fail one after the other", "4 in 1.8 s");
}

#define TEST(function) cmocka_unit_test_setup(function, healthy)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_healthy),
        TEST(test_gone),
        TEST(test_weights),
        TEST(test_version_and_state),
        TEST(test_state_in_halves),
        TEST(test_went_silent),
        TEST(test_disk),
        TEST(test_mute),
        TEST(test_clock),
        TEST(test_lag),
        TEST(test_slow),
        TEST(test_partitions),
        TEST(test_standstill),
    };
    return cmocka_run_group_tests_name("doctor.judge", tests, NULL, NULL);
}
