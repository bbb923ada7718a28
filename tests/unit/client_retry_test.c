/* The client's patience: time-outs, lost leaders, outcomes that stay unknown, reads. */
#include "tests/unit/client_drive.h"

static uint32_t requests_at_all(const world_t *w) {
    uint32_t sum = 0;
    for (member_t m = 0; m < w->committee.size; m++)
        sum += w->fakes[m].requests;
    return sum;
}

/* ---- to whom ---- */

static void goes_to_one_replica_and_to_all_after_a_time_out(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    const member_t first = client_preferred(w->client);
    assert_int_not_equal(first, MEMBER_NONE);
    const uint32_t before = requests_at_all(w);
    w->fakes[first].mode = SILENT;
    drive_submit(w, 1);
    drive_for(w, 290 * MS);
    assert_int_equal(requests_at_all(w), before + 1);
    expect_nothing(w, 1);
    drive_for(w, 100 * MS); /* 300 ms and up to a quarter */
    assert_int_equal(requests_at_all(w), before + 5);
    expect_honest(w, 1);
    const member_t second = client_preferred(w->client);
    assert_true(second != first && second != MEMBER_NONE);
    drive_submit(w, 2); /* the next one goes right */
    drive_for(w, 10 * MS);
    expect_honest(w, 2);
    assert_int_equal(requests_at_all(w), before + 6);
    drive_free(w);
}

static void goes_to_all_at_once_when_the_link_breaks(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    const member_t first = client_preferred(w->client);
    w->fakes[first].mode = SILENT;
    drive_submit(w, 1);
    drive_for(w, 5 * MS);
    drive_down(w, first);
    assert_int_equal(client_preferred(w->client), MEMBER_NONE);
    drive_for(w, 5 * MS);
    expect_honest(w, 1);
    drive_free(w);
}

static void retries_double_up_to_a_bound(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    w->config.deadline_ns = 0;
    drive_start(w);
    w->stalled = true;
    drive_submit(w, 1);
    uint64_t rounds[64] = {0}, last = 0;
    uint32_t count = 0;
    const uint64_t start = w->now_ns;
    while (w->now_ns < start + 60000 * MS) {
        const uint64_t before = drive_counters(w).retries;
        drive_for(w, 1 * MS);
        if (drive_counters(w).retries > before) {
            assert_true(count < 64);
            rounds[count++] = w->now_ns - start - last;
            last = w->now_ns - start;
        }
    }
    static const uint64_t least[] = {300, 600, 1200, 2400, 4800, 5000, 5000};
    for (uint32_t i = 0; i < 7; i++)
        assert_in_range(rounds[i], least[i] * MS, least[i] * MS * 5 / 4 + 2 * MS);
    assert_in_range(count, 11, 15);
    expect_nothing(w, 1); /* deadline 0: never */
    drive_free(w);
}

/* f + 1 members name the leader; fewer are not followed. */
static void follows_the_named_leader(void **state) {
    (void)state;
    world_t *w = drive_ready(7);
    w->fakes[5].hint = w->fakes[6].hint = 7; /* f of them draw requests to member 6 */
    drive_submit(w, 1);
    drive_for(w, 10 * MS);
    assert_int_not_equal(client_preferred(w->client), 6);
    for (member_t m = 0; m < 7; m++)
        w->fakes[m].hint = 4;
    drive_submit(w, 2);
    drive_for(w, 10 * MS);
    assert_int_equal(client_preferred(w->client), 3);
    w->fakes[3].mode = SILENT; /* the leader dies; for a while all name it still */
    drive_submit(w, 3);
    drive_for(w, 500 * MS);
    expect_honest(w, 3);
    assert_int_not_equal(client_preferred(w->client), 3);
    drive_submit(w, 4);
    drive_for(w, 10 * MS);
    expect_honest(w, 4);
    w->fakes[3].mode = HONEST; /* and is forgiven when time has passed */
    drive_for(w, 6000 * MS);
    drive_submit(w, 6);
    drive_for(w, 10 * MS);
    assert_int_equal(client_preferred(w->client), 3);
    for (member_t m = 0; m < 7; m++)
        w->fakes[m].hint = 999; /* nobody has that index */
    drive_submit(w, 7);
    drive_for(w, 10 * MS);
    expect_honest(w, 7);
    assert_int_equal(client_preferred(w->client), 3);
    drive_free(w);
}

/* Replicas that did not hear of the request answer too, because the key was proved to them. */
static void slow_and_silent_replicas_do_not_matter(void **state) {
    (void)state;
    world_t *w = drive_make(7, 7);
    w->fakes[1].mode = w->fakes[2].mode = SILENT;
    w->fakes[6].delay_ns = 2000 * MS;
    drive_start(w);
    for (uint64_t k = 1; k <= 20; k++)
        drive_submit(w, k);
    drive_for(w, 20 * MS);
    for (uint64_t k = 1; k <= 20; k++)
        expect_honest(w, k);
    drive_free(w);
}

static void busy_replicas_are_asked_again(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    for (member_t m = 0; m < 4; m++)
        w->fakes[m].mode = SAYS_BUSY;
    drive_submit(w, 1);
    drive_for(w, 4000 * MS);
    expect_nothing(w, 1);
    assert_true(drive_counters(w).busy > 4);
    for (member_t m = 0; m < 4; m++)
        w->fakes[m].mode = HONEST;
    drive_for(w, 6000 * MS);
    expect_honest(w, 1);
    drive_free(w);
}

static void waits_for_a_link(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    for (member_t m = 0; m < 4; m++)
        drive_down(w, m);
    drive_submit(w, 1);
    drive_for(w, 1000 * MS);
    assert_int_equal(drive_counters(w).requests, 0); /* no sequence for what cannot be sent */
    drive_up(w, 2);
    drive_up(w, 3);
    drive_for(w, 10 * MS);
    expect_honest(w, 1);
    drive_free(w);
}

/* Sent into links that broke: goes out as soon as there is one, not at the next time-out. */
static void goes_on_when_a_link_comes_back(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    w->stalled = true;
    drive_submit(w, 1);
    drive_for(w, 5 * MS);
    for (member_t m = 0; m < 4; m++)
        drive_down(w, m);
    drive_for(w, 5000 * MS);
    w->stalled = false;
    for (member_t m = 0; m < 4; m++)
        drive_up(w, m);
    drive_for(w, 10 * MS);
    expect_honest(w, 1);
    drive_free(w);
}

/* ---- the third outcome (attack C8) ---- */

static void unknown_is_not_failed_and_the_truth_follows(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    drive_submit(w, 1);
    drive_for(w, 10 * MS);
    w->stalled = true;
    drive_submit(w, 2);
    drive_for(w, 29000 * MS);
    expect_nothing(w, 2);
    drive_for(w, 1100 * MS);
    assert_int_equal(drive_outcome(w, 2)->status, SYNOD_UNKNOWN);
    assert_false(drive_outcome(w, 2)->settled);
    assert_int_equal(drive_outcome(w, 2)->lates, 0);
    assert_int_equal(client_waiting(w->client), 0);
    w->stalled = false;
    drive_submit(w,
                 3); /* others pass it, at once; judge_request sees that it is not acknowledged */
    drive_for(w, 10 * MS);
    expect_honest(w, 3);
    drive_for(w, 7000 * MS);
    assert_int_equal(drive_outcome(w, 2)->lates, 1);
    expect_honest(w, 2);
    assert_int_equal(drive_counters(w).unknown, 1);
    assert_int_equal(drive_counters(w).resolved, 1);
    drive_submit(w, 4);
    drive_for(w, 10 * MS);
    expect_honest(w, 4);
    assert_int_equal(w->sessions[client_session(w->client)].low, 3); /* now all are acknowledged */
    drive_free(w);
}

/* One that nobody ever settles holds the window, and so the caller, not memory. */
static void an_unsettled_request_holds_the_window(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    w->config.window = 4;
    w->config.batch_operations = 1;
    w->config.deadline_ns = 1000 * MS;
    drive_start(w);
    w->stalled = true;
    drive_submit(w, 1);
    drive_for(w, 2000 * MS);
    assert_int_equal(drive_outcome(w, 1)->status, SYNOD_UNKNOWN);
    uint64_t token;
    uint64_t taken = 1;
    while (drive_try(w, taken + 1, &token) == SYNOD_OK)
        taken++;
    assert_int_equal(taken, 8); /* four of the window, four that wait */
    assert_int_equal(drive_counters(w).requests, 4);
    drive_for(w, 2000 * MS); /* what was never sent did not run, and may be told so */
    for (uint64_t k = 2; k <= 4; k++)
        assert_int_equal(drive_outcome(w, k)->status, SYNOD_UNKNOWN);
    for (uint64_t k = 5; k <= 8; k++) {
        assert_int_equal(drive_outcome(w, k)->status, SYNOD_BUSY);
        assert_true(drive_outcome(w, k)->settled);
    }
    w->stalled = false;
    drive_for(w, 7000 * MS);
    for (uint64_t k = 1; k <= 4; k++)
        expect_honest(w, k);
    for (uint64_t k = 5; k <= 8; k++)
        assert_int_equal(w->runs[k], 0);
    drive_submit(w, 9);
    drive_for(w, 10 * MS);
    expect_honest(w, 9);
    drive_free(w);
}

/* It ran, the replies were lost, and the replicas had no room for the result. */
static void a_result_that_nobody_keeps_is_unknown_for_good(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    for (member_t m = 0; m < 4; m++) {
        w->fakes[m].attached = false;
        w->fakes[m].deaf = true;
    }
    w->forgets_results = true;
    drive_submit(w, 1);
    drive_for(w, 2000 * MS);
    assert_int_equal(w->runs[1], 1);
    assert_int_equal(drive_outcome(w, 1)->status, SYNOD_UNKNOWN);
    assert_true(drive_outcome(w, 1)->settled);
    assert_int_not_equal(drive_outcome(w, 1)->height, 0); /* but it did run */
    w->forgets_results = false;
    drive_submit(w, 2);
    drive_for(w, 400 * MS);
    expect_honest(w, 2);
    drive_free(w);
}

static void what_was_never_sent_is_busy_not_unknown(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    drive_open(w);
    drive_submit(w, 1);
    drive_for(w, 31000 * MS);
    assert_int_equal(drive_outcome(w, 1)->status, SYNOD_BUSY);
    assert_true(drive_outcome(w, 1)->settled);
    drive_free(w);
}

/* ---- reads ---- */

static void drive_state(world_t *w, member_t member, const char *reply, uint64_t height,
                        uint8_t root, const char *proof) {
    (void)snprintf(w->query_reply[member], sizeof w->query_reply[member], "%s", reply);
    w->query_height[member] = height;
    memset(&w->query_root[member], root, sizeof w->query_root[member]);
    w->query_proof[member] = proof;
}

static uint64_t drive_query(world_t *w, bool prove) {
    uint64_t token = 0;
    assert_int_equal(client_query(w->client, w->now_ns, bytes_of("key", 3), prove, &token),
                     SYNOD_OK);
    return token;
}

static void expect_reply(const world_t *w, const char *text) {
    assert_int_equal(w->answer.status, SYNOD_OK);
    assert_int_equal(w->answer.reply.size, strlen(text));
    assert_memory_equal(w->answer.reply.data, text, strlen(text));
}

static void a_read_needs_f_plus_one_equal_answers(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    drive_state(w, 0, "lie", 99, 1, "");
    for (member_t m = 1; m < 4; m++)
        drive_state(w, m, "value", 10 + m, 1, "");
    w->fakes[3].delay_ns = 5 * MS;
    const uint64_t token = drive_query(w, false);
    drive_for(w, 4 * MS);
    assert_int_equal(w->answers, 1);
    assert_int_equal(w->answer.token, token);
    expect_reply(w, "value");
    assert_int_equal(w->answer.height, 11); /* that of the one further behind */
    drive_for(w, 20 * MS);
    assert_int_equal(w->answers, 1);
    drive_free(w);
}

/* A read orders nothing and leaves nothing at the replicas; the first operation may follow it. */
static void a_read_needs_no_session(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    drive_open_idle(w);
    for (member_t m = 0; m < 4; m++) {
        drive_up(w, m);
        w->fakes[m].deaf = true; /* the question has to be put again */
        drive_state(w, m, "value", 10, 1, "");
    }
    drive_query(w, false);
    drive_for(w, 20 * MS);
    for (member_t m = 0; m < 4; m++)
        w->fakes[m].deaf = false;
    drive_for(w, 400 * MS);
    assert_int_equal(w->answers, 1);
    expect_reply(w, "value");
    assert_int_equal(w->opens, 0);
    for (member_t m = 0; m < 4; m++)
        assert_int_equal(w->fakes[m].attaches, 0);
    client_start(w->client, w->now_ns);
    drive_for(w, 20 * MS);
    assert_int_equal(w->opens, 1);
    assert_int_equal(client_session(w->client), w->last_session);
    for (member_t m = 0; m < 4; m++)
        assert_int_equal(w->fakes[m].attaches, 1);
    drive_free(w);
}

/* However soon after the links: a clock may begin near zero. */
static void the_key_is_proved_before_the_session_is_asked_for(void **state) {
    (void)state;
    world_t *w = drive_make(4, 8);
    w->now_ns = MS;
    drive_open_idle(w);
    for (member_t m = 0; m < 4; m++)
        drive_up(w, m);
    drive_for(w, 5 * MS);
    client_start(w->client, w->now_ns);
    drive_for(w, 5 * MS);
    assert_int_equal(client_session(w->client), w->last_session);
    for (member_t m = 0; m < 4; m++)
        assert_int_equal(w->fakes[m].attaches, 1);
    drive_free(w);
}

static void a_read_without_agreement_is_told_apart(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    drive_state(w, 0, "a", 1, 1, "");
    drive_state(w, 1, "b", 2, 1, "");
    drive_state(w, 2, "c", 3, 1, "");
    drive_state(w, 3, "d", 4, 1, "");
    drive_query(w, false);
    drive_for(w, 11000 * MS);
    assert_int_equal(w->answer.status, SYNOD_NO_QUORUM);
    assert_true(w->fakes[0].queries > 3); /* it was put again meanwhile */
    for (member_t m = 0; m < 3; m++)
        w->fakes[m].mode = SILENT;
    drive_query(w, false);
    drive_for(w, 11000 * MS);
    assert_int_equal(w->answer.status, SYNOD_UNKNOWN);
    assert_int_equal(drive_counters(w).queries_failed, 2);
    drive_free(w);
}

/* A read during a write: correct replicas differ for a moment, the next round agrees. */
static void a_read_is_put_again(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    drive_state(w, 0, "old", 1, 1, "");
    drive_state(w, 1, "new", 2, 1, "");
    w->fakes[2].mode = w->fakes[3].mode = SILENT;
    drive_query(w, false);
    drive_for(w, 10 * MS);
    assert_int_equal(w->answers, 0);
    drive_state(w, 0, "new", 2, 1, "");
    drive_for(w, 400 * MS);
    expect_reply(w, "new");
    drive_free(w);
}

/* BUSY is no answer, however many say it. */
static void a_read_waits_for_who_is_busy(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    for (member_t m = 0; m < 4; m++) {
        drive_state(w, m, "value", 1, 1, "proof of value");
        w->fakes[m].mode = SAYS_BUSY;
    }
    drive_query(w, true);
    drive_for(w, 100 * MS);
    assert_int_equal(w->answers, 0);
    assert_int_equal(drive_counters(w).busy, 4);
    w->fakes[1].mode = w->fakes[2].mode = HONEST;
    drive_for(w, 400 * MS);
    expect_reply(w, "value");
    drive_free(w);
}

static void a_proof_counts_only_if_it_holds(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    drive_state(w, 0, "value", 8, 1, "proof of nothing");
    drive_state(w, 1, "value", 8, 1, "proof of value");
    drive_state(w, 2, "value", 8, 2, "proof of value"); /* another root */
    drive_state(w, 3, "value", 9, 1, "proof of value"); /* another height */
    drive_query(w, true);
    drive_for(w, 100 * MS);
    assert_int_equal(w->answers, 0);
    assert_int_equal(client_lies(w->client, 0), 1);
    drive_state(w, 3, "value", 8, 1, "proof of value");
    drive_for(w, 300 * MS);
    expect_reply(w, "value");
    assert_int_equal(w->answer.height, 8);
    assert_int_equal(w->answer.root.bytes[0], 1);
    /* Zeros are no root, and no lie either. */
    for (member_t m = 0; m < 4; m++)
        drive_state(w, m, "value", 0, 0, "proof of value");
    drive_query(w, true);
    drive_for(w, 100 * MS);
    assert_int_equal(w->answers, 1);
    assert_int_equal(client_lies(w->client, 1), 0);
    drive_free(w);
}

static void reads_are_bounded(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    w->config.queries_max = 2;
    w->config.query_bytes_max = 100;
    drive_start(w);
    static const uint8_t large[101];
    uint64_t token;
    assert_int_equal(client_query(w->client, w->now_ns, bytes_of(large, 101), false, &token),
                     SYNOD_TOO_LARGE);
    drive_query(w, false);
    drive_query(w, false);
    assert_int_equal(client_query(w->client, w->now_ns, bytes_of(large, 1), false, &token),
                     SYNOD_BUSY);
    drive_for(w, 10 * MS);
    assert_int_equal(w->answers, 2);
    drive_query(w, false);
    drive_free(w);
    w = drive_make(4, 7);
    w->config.app = NULL;
    drive_start(w);
    assert_int_equal(client_query(w->client, w->now_ns, bytes_of(large, 1), true, &token),
                     SYNOD_UNSUPPORTED);
    drive_free(w);
}

static void a_read_waits_for_links(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    drive_open(w);
    for (member_t m = 0; m < 4; m++)
        drive_state(w, m, "value", 1, 1, "");
    drive_query(w, false);
    drive_up(w, 1);
    drive_up(w, 2);
    drive_for(w, 10 * MS);
    expect_reply(w, "value");
    drive_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_to_one_replica_and_to_all_after_a_time_out),
        cmocka_unit_test(goes_to_all_at_once_when_the_link_breaks),
        cmocka_unit_test(retries_double_up_to_a_bound),
        cmocka_unit_test(follows_the_named_leader),
        cmocka_unit_test(slow_and_silent_replicas_do_not_matter),
        cmocka_unit_test(busy_replicas_are_asked_again),
        cmocka_unit_test(waits_for_a_link),
        cmocka_unit_test(goes_on_when_a_link_comes_back),
        cmocka_unit_test(unknown_is_not_failed_and_the_truth_follows),
        cmocka_unit_test(an_unsettled_request_holds_the_window),
        cmocka_unit_test(a_result_that_nobody_keeps_is_unknown_for_good),
        cmocka_unit_test(what_was_never_sent_is_busy_not_unknown),
        cmocka_unit_test(a_read_needs_f_plus_one_equal_answers),
        cmocka_unit_test(a_read_needs_no_session),
        cmocka_unit_test(the_key_is_proved_before_the_session_is_asked_for),
        cmocka_unit_test(a_read_without_agreement_is_told_apart),
        cmocka_unit_test(a_read_is_put_again),
        cmocka_unit_test(a_read_waits_for_who_is_busy),
        cmocka_unit_test(a_proof_counts_only_if_it_holds),
        cmocka_unit_test(reads_are_bounded),
        cmocka_unit_test(a_read_waits_for_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
