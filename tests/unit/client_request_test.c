/* The client's requests: batching, to whom they go, and which answers are believed. */
#include "tests/unit/client_drive.h"

/* ---- batching ---- */

static void a_lone_operation_goes_at_once(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    const uint32_t before = w->sent_frames;
    drive_submit(w, 1);
    assert_int_equal(w->sent_frames, before + 1); /* within submit, to one replica */
    drive_for(w, 4 * MS);
    expect_honest(w, 1);
    drive_submit(w, 5); /* an application's refusal is a result too */
    drive_for(w, 4 * MS);
    expect_honest(w, 5);
    assert_int_equal(drive_outcome(w, 5)->status, SYNOD_APP_ERROR);
    drive_free(w);
}

static void operations_share_a_request_while_one_is_outstanding(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    w->config.linger_ns = 1000 * MS;
    drive_start(w);
    for (uint64_t k = 1; k <= 50; k++)
        drive_submit(w, k);
    assert_int_equal(drive_counters(w).requests, 1);
    drive_for(w, 10 * MS);
    for (uint64_t k = 1; k <= 50; k++)
        expect_honest(w, k);
    assert_int_equal(drive_counters(w).requests, 2); /* the first, and the rest when it was done */
    drive_free(w);
}

static void a_batch_goes_when_full(void **state) {
    (void)state;
    for (int by_bytes = 0; by_bytes <= 1; by_bytes++) {
        world_t *w = drive_make(4, 7);
        w->config.linger_ns = 1000 * MS;
        if (by_bytes)
            w->config.batch_bytes = 95; /* ten of "op 1x" with their lengths, not eleven */
        else
            w->config.batch_operations = 10;
        drive_start(w);
        for (uint64_t k = 10; k < 31; k++)
            drive_submit(w, k);
        assert_int_equal(drive_counters(w).requests, 3 - by_bytes);
        drive_for(w, 10 * MS);
        for (uint64_t k = 10; k < 31; k++)
            expect_honest(w, k);
        assert_int_equal(drive_counters(w).requests, 3);
        drive_free(w);
    }
}

static void a_batch_goes_at_flush_or_after_lingering(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    w->config.linger_ns = 3 * MS;
    drive_start(w);
    w->stalled = true;
    drive_submit(w, 1);
    drive_submit(w, 2);
    assert_int_equal(drive_counters(w).requests, 1);
    client_flush(w->client, w->now_ns);
    assert_int_equal(drive_counters(w).requests, 2);
    drive_submit(w, 3);
    drive_for(w, 2 * MS);
    assert_int_equal(drive_counters(w).requests, 2);
    drive_for(w, 2 * MS);
    assert_int_equal(drive_counters(w).requests, 3);
    drive_free(w);
}

static void a_full_queue_is_busy(void **state) {
    (void)state;
    for (int bound = 0; bound < 3; bound++) {
        world_t *w = drive_make(4, 7);
        w->config.window = bound == 2 ? 2 : 64;
        w->config.batch_operations = 4;
        w->config.queue_operations = bound == 0 ? 10 : 1u << 16;
        if (bound == 1) {
            w->config.payload_bytes_max = 200;
            w->config.queue_bytes = 400;
        }
        drive_start(w);
        w->stalled = true;
        uint64_t token, taken = 0;
        synod_status status = SYNOD_OK;
        while (status == SYNOD_OK)
            if ((status = drive_try(w, taken + 1, &token)) == SYNOD_OK)
                taken++;
        assert_int_equal(status, SYNOD_BUSY);
        assert_true(taken >= 4 && taken <= 16);
        if (bound == 0)
            assert_int_equal(taken, 10);
        if (bound == 2) /* two outstanding, the first of one operation, and two that wait */
            assert_int_equal(taken, 13);
        w->stalled = false;
        drive_for(w, 3000 * MS);
        for (uint64_t k = 1; k <= taken; k++)
            expect_honest(w, k);
        assert_int_equal(drive_try(w, taken + 1, &token), SYNOD_OK);
        drive_for(w, 100 * MS);
        expect_honest(w, taken + 1);
        assert_int_equal(drive_counters(w).refused_busy, 1);
        drive_free(w);
    }
}

static void an_operation_has_a_largest_size(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    static uint8_t large[1u << 16];
    const size_t most = sizeof large - REQUEST_HEADER_BYTES - 4 - SYNOD_SIGNATURE_BYTES;
    uint64_t token;
    w->stalled = true;
    assert_int_equal(client_submit(w->client, w->now_ns, bytes_of(large, most + 1), &token),
                     SYNOD_TOO_LARGE);
    assert_int_equal(client_submit(w->client, w->now_ns, bytes_of(large, most), &token), SYNOD_OK);
    assert_int_equal(drive_counters(w).requests, 1);
    drive_free(w);
}

/* The replicas would refuse a sequence outside of the window; theirs binds, if it is smaller. */
static void the_window_bounds_what_is_outstanding(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    w->config.window = 64;
    w->config.session_window = 8;
    w->config.batch_operations = 1;
    drive_start(w);
    w->config.window = 8; /* what judge_request demands */
    w->stalled = true;
    for (uint64_t k = 1; k <= 12; k++)
        drive_submit(w, k);
    assert_int_equal(drive_counters(w).requests, 8);
    w->stalled = false;
    drive_for(w, 1000 * MS);
    for (uint64_t k = 1; k <= 12; k++)
        expect_honest(w, k);
    drive_free(w);
}

/* ---- liars ---- */

/* attack C4 */
static void f_liars_that_are_first_and_alike_are_not_believed(void **state) {
    (void)state;
    world_t *w = drive_make(7, 7);
    for (member_t m = 0; m < 7; m++)
        w->fakes[m].delay_ns = m < 2 ? MS / 4 : 3 * MS;
    w->fakes[0].mode = w->fakes[1].mode = LIAR;
    drive_start(w);
    for (uint64_t k = 1; k <= 30; k++) {
        drive_submit(w, k);
        drive_for(w, 10 * MS);
        expect_honest(w, k);
    }
    assert_int_equal(client_lies(w->client, 0), 30);
    assert_int_equal(client_lies(w->client, 1), 30);
    for (member_t m = 2; m < 7; m++)
        assert_int_equal(client_lies(w->client, m), 0);
    assert_int_equal(drive_counters(w).lies, 60);
    drive_free(w);
}

/* Liars that come last are found out too. */
static void late_lies_are_counted(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    w->fakes[3].mode = LIAR;
    w->fakes[3].delay_ns = 6 * MS;
    drive_start(w);
    drive_submit(w, 1);
    drive_for(w, 4 * MS);
    expect_honest(w, 1);
    assert_int_equal(client_lies(w->client, 3), 0);
    drive_for(w, 20 * MS);
    assert_int_equal(client_lies(w->client, 3), 1);
    drive_free(w);
}

/* What f + 1 say has to be equal in each field (attack C4). */
static void answers_must_agree_in_everything(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    uint8_t room[64], other[64];
    w->stalled = true;
    drive_submit(w, 1);
    const reply_t one = {.session = client_session(w->client),
                         .sequence = 1,
                         .status = SYNOD_OK,
                         .height = 5,
                         .result = drive_result("result 1", room)};
    reply_t two = one;
    drive_reply(w, w->fakes[0].link, one);
    two.height = 6;
    drive_reply(w, w->fakes[1].link, two);
    two = one;
    two.status = SYNOD_APP_ERROR;
    drive_reply(w, w->fakes[1].link, two);
    two = one;
    two.result = drive_result("result 2", other);
    drive_reply(w, w->fakes[1].link, two);
    two = one;
    two.session++;
    drive_reply(w, w->fakes[1].link, two);
    two = one;
    two.sequence = 2;
    drive_reply(w, w->fakes[1].link, two);
    two = one;
    two.result.size--;
    drive_reply(w, w->fakes[1].link, two);
    expect_nothing(w, 1);
    two = one;
    two.leader_hint = 77; /* the hint need not agree */
    drive_reply(w, w->fakes[1].link, two);
    assert_int_equal(drive_outcome(w, 1)->completions, 1);
    assert_string_equal(drive_outcome(w, 1)->result, "result 1");
    assert_int_equal(drive_outcome(w, 1)->height, 5);
    drive_free(w);
}

/* attack C5: members are counted, not links and not frames */
static void one_replica_is_one_voice(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    uint8_t room[64];
    w->stalled = true;
    drive_submit(w, 1);
    const reply_t lie = {.session = client_session(w->client),
                         .sequence = 1,
                         .height = 5,
                         .result = drive_result("lie", room)};
    const client_link_t first = w->fakes[0].link;
    for (int i = 0; i < 5; i++)
        drive_reply(w, first, lie);
    expect_nothing(w, 1);
    drive_up(w, 0); /* the same member by another link: takes the place of the first */
    assert_int_equal(w->closed_link, first);
    drive_for(w, 3 * MS);
    drive_reply(w, w->fakes[0].link, lie);
    drive_reply(w, first, lie);
    drive_reply(w, 12345, lie); /* a link that nobody has */
    const client_link_t second = w->fakes[1].link;
    drive_down(w, 1);
    drive_reply(w, second, lie); /* one that has gone */
    expect_nothing(w, 1);
    w->stalled = false;
    drive_for(w, 500 * MS);
    expect_honest(w, 1);
    assert_int_equal(client_lies(w->client, 0), 1);
    drive_free(w);
}

/* Weights, not heads: f + 1 is more than the faulty weight. */
static void weights_count(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    w->infos[3].weight = 4; /* total 7, f = 2: member 3 alone suffices, two others do not */
    member_t culprit;
    const digest_t domain = w->committee.domain;
    assert_int_equal(committee_make(&w->committee, &domain, 1, w->infos, 4, &w->verifier, &culprit),
                     SYNOD_OK);
    drive_start(w);
    uint8_t room[64];
    w->stalled = true;
    drive_submit(w, 1);
    const reply_t reply = {.session = client_session(w->client),
                           .sequence = 1,
                           .height = 5,
                           .result = drive_result("heavy", room)};
    drive_reply(w, w->fakes[0].link, reply);
    drive_reply(w, w->fakes[1].link, reply);
    expect_nothing(w, 1);
    reply_t heavy = reply;
    heavy.height++;
    drive_reply(w, w->fakes[3].link, heavy);
    assert_int_equal(drive_outcome(w, 1)->completions, 1);
    assert_int_equal(drive_outcome(w, 1)->height, 6);
    drive_free(w);
}

/* More than f are faulty: judged, not asserted. */
static void a_result_that_cannot_be_read_is_malformed(void **state) {
    (void)state;
    static const uint8_t results[][8] = {{0, 9, 0, 0, 0, 'x'}, {7, 1, 0, 0, 0, 'x'}, {0}};
    static const size_t sizes[] = {6, 6, 0};
    for (size_t i = 0; i < 3; i++) {
        world_t *w = drive_ready(4);
        w->stalled = true;
        drive_submit(w, 1);
        const reply_t reply = {.session = client_session(w->client),
                               .sequence = 1,
                               .height = 5,
                               .result = bytes_of(results[i], sizes[i])};
        drive_reply(w, w->fakes[0].link, reply);
        drive_reply(w, w->fakes[1].link, reply);
        assert_int_equal(drive_outcome(w, 1)->status, SYNOD_MALFORMED);
        assert_true(drive_outcome(w, 1)->settled);
        drive_free(w);
    }
}

static void rubbish_is_dropped(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    const uint8_t bytes[] = {1, 2, 3};
    const uint64_t before = drive_counters(w).frames_dropped;
    const frame_kind_t kinds[] = {FRAME_REPLY, FRAME_QUERY_REPLY, FRAME_MESSAGE, FRAME_STATUS};
    for (size_t i = 0; i < 4; i++)
        client_on_frame(w->client, w->now_ns, w->fakes[0].link,
                        (frame_t){.kind = kinds[i], .body = bytes_of(bytes, 3)});
    assert_int_equal(drive_counters(w).frames_dropped, before + 4);
    client_on_frame(w->client, w->now_ns, w->fakes[0].link,
                    (frame_t){.kind = FRAME_GOODBYE, .body = bytes_of(bytes, 3)});
    const uint32_t sent = w->sent_frames;
    client_on_frame(w->client, w->now_ns, w->fakes[0].link,
                    (frame_t){.kind = FRAME_PING, .body = bytes_of(bytes, 3)});
    assert_int_equal(w->sent_frames, sent + 1);
    drive_submit(w, 1);
    drive_for(w, 10 * MS);
    expect_honest(w, 1);
    drive_free(w);
}

/* Duplicates and stragglers change nothing. */
static void repeated_replies_complete_nothing_twice(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    uint8_t room[64];
    for (uint64_t k = 1; k <= 3; k++) {
        drive_submit(w, k);
        drive_for(w, 10 * MS);
        expect_honest(w, k);
    }
    const reply_t late = {.session = client_session(w->client),
                          .sequence = 2,
                          .height = 3,
                          .result = drive_result("result 2", room)};
    for (int i = 0; i < 3; i++)
        for (member_t m = 0; m < 4; m++)
            drive_reply(w, w->fakes[m].link, late);
    for (uint64_t k = 1; k <= 3; k++)
        expect_honest(w, k);
    drive_free(w);
}

static void refused_by_f_plus_one_is_invalid(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    w->fakes[0].mode = SAYS_INVALID;
    drive_submit(w, 1);
    drive_for(w, 1000 * MS);
    expect_honest(w, 1); /* one is not enough */
    for (member_t m = 0; m < 4; m++)
        w->fakes[m].mode = SAYS_INVALID;
    drive_submit(w, 2);
    drive_for(w, 10 * MS); /* the others are asked as soon as one refuses */
    assert_int_equal(drive_outcome(w, 2)->status, SYNOD_INVALID);
    assert_int_equal(w->runs[2], 0);
    for (member_t m = 0; m < 4; m++)
        w->fakes[m].mode = HONEST;
    drive_submit(w, 3); /* the sequence that was refused is settled, the window moves on */
    drive_for(w, 10 * MS);
    expect_honest(w, 3);
    drive_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_operation_goes_at_once),
        cmocka_unit_test(operations_share_a_request_while_one_is_outstanding),
        cmocka_unit_test(a_batch_goes_when_full),
        cmocka_unit_test(a_batch_goes_at_flush_or_after_lingering),
        cmocka_unit_test(a_full_queue_is_busy),
        cmocka_unit_test(an_operation_has_a_largest_size),
        cmocka_unit_test(the_window_bounds_what_is_outstanding),
        cmocka_unit_test(f_liars_that_are_first_and_alike_are_not_believed),
        cmocka_unit_test(late_lies_are_counted),
        cmocka_unit_test(answers_must_agree_in_everything),
        cmocka_unit_test(one_replica_is_one_voice),
        cmocka_unit_test(weights_count),
        cmocka_unit_test(a_result_that_cannot_be_read_is_malformed),
        cmocka_unit_test(rubbish_is_dropped),
        cmocka_unit_test(repeated_replies_complete_nothing_twice),
        cmocka_unit_test(refused_by_f_plus_one_is_invalid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
