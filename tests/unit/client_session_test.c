/* The client's session: handshake with the replicas, opening, eviction, finding it again. */
#include "tests/unit/client_drive.h"

static void opens_one_session_at_all_replicas(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    assert_int_equal(w->opens, 1);
    for (member_t m = 0; m < 4; m++) {
        assert_true(w->fakes[m].attached);
        assert_int_equal(w->fakes[m].attaches, 1);
    }
    assert_int_equal(drive_counters(w).sessions_opened, 1);
    drive_free(w);
}

static void opens_when_f_replicas_are_silent(void **state) {
    (void)state;
    world_t *w = drive_make(7, 7);
    w->fakes[0].mode = w->fakes[3].mode = SILENT;
    drive_start(w);
    assert_int_equal(client_session(w->client), w->last_session);
    drive_free(w);
}

/* attack C4 */
static void believes_no_f_liars_about_the_session(void **state) {
    (void)state;
    world_t *w = drive_make(7, 7);
    for (member_t m = 0; m < 7; m++)
        w->fakes[m].delay_ns = m < 2 ? MS : 5 * MS;
    w->fakes[0].mode = w->fakes[1].mode = LIAR;
    drive_start(w);
    assert_int_equal(client_session(w->client), w->last_session);
    drive_free(w);
}

/* Replicas that recover drop what comes, so the key is proved again and the open repeated. */
static void proves_the_key_again(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    for (member_t m = 0; m < 4; m++)
        w->fakes[m].deaf = true;
    w->stalled = true;
    drive_start(w);
    assert_int_equal(client_session(w->client), 0);
    for (member_t m = 0; m < 4; m++)
        w->fakes[m].deaf = false;
    w->stalled = false;
    drive_for(w, 400 * MS);
    assert_int_equal(client_session(w->client), w->last_session);
    for (member_t m = 0; m < 4; m++)
        assert_int_equal(w->fakes[m].attaches, 2);
    drive_free(w);
}

static void judge_greeting(hello_t hello, member_t member, bool accepted) {
    world_t *w = drive_make(4, 7);
    drive_open(w);
    w->fakes[member].link = ++w->next_link;
    client_on_link_up(w->client, w->now_ns, w->fakes[member].link, member);
    uint8_t body[HELLO_BYTES_MAX];
    writer_t writer = writer_of(body, sizeof body);
    hello_encode(&hello, &writer);
    fake_send(w, member, w->fakes[member].link, FRAME_HELLO, body, writer.at);
    drive_for(w, 5 * MS);
    assert_int_equal(w->fakes[member].attached, accepted);
    assert_int_equal(w->closed_link, accepted ? 0 : w->fakes[member].link);
    drive_free(w);
}

/* attacks K5, K8 */
static void judges_the_hello(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    hello_t good = drive_hello(w, 2);
    drive_free(w);
    judge_greeting(good, 2, true);
    judge_greeting(good, 1, false);
    hello_t other = good;
    other.domain.bytes[5] ^= 1;
    judge_greeting(other, 2, false);
    other = good;
    other.protocol++;
    judge_greeting(other, 2, false);
    other = good;
    other.role = ROLE_CLIENT;
    other.member = MEMBER_NONE;
    judge_greeting(other, 2, false);
    other = good;
    other.epoch = 9; /* a client need not know the epoch */
    judge_greeting(other, 2, true);
}

static void hears_nobody_before_the_hello(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    drive_open(w);
    w->fakes[0].link = 9;
    client_on_link_up(w->client, w->now_ns, 9, 0);
    drive_reply(w, 9, (reply_t){.session = 1, .sequence = 1});
    assert_int_equal(drive_counters(w).frames_dropped, 1);
    assert_int_equal(drive_counters(w).replies, 0);
    drive_free(w);
}

static void waits_while_the_table_is_full(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    w->table_full = true;
    drive_start(w);
    drive_submit(w, 1);
    drive_for(w, 2000 * MS);
    assert_int_equal(client_session(w->client), 0);
    expect_nothing(w, 1);
    w->table_full = false;
    drive_for(w, 3000 * MS);
    expect_honest(w, 1);
    drive_free(w);
}

static void ends_when_the_key_is_refused(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    w->refuses_opens = true;
    drive_open(w);
    drive_submit(w, 1);
    for (member_t m = 0; m < 4; m++)
        drive_up(w, m);
    drive_for(w, 50 * MS);
    assert_int_equal(drive_outcome(w, 1)->status, SYNOD_INVALID);
    assert_true(drive_outcome(w, 1)->settled);
    uint64_t token;
    assert_int_equal(drive_try(w, 2, &token), SYNOD_CLOSED);
    assert_int_equal(client_waiting(w->client), 0);
    drive_free(w);
}

static void one_refusal_of_the_key_is_not_enough(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    w->fakes[2].mode = SAYS_INVALID;
    drive_start(w);
    assert_int_equal(client_session(w->client), w->last_session);
    drive_free(w);
}

/* attack C7: told by f + 1, what was under way is unknown, what was not goes on in the next one */
static void opens_again_when_evicted(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    const uint64_t first = client_session(w->client);
    w->stalled = true;
    drive_submit(w, 1);
    drive_submit(w, 2); /* waits behind it */
    world_evict(w);
    w->stalled = false;
    drive_for(w, 1 * MS / 2);
    drive_for(w, 1000 * MS);
    assert_int_equal(drive_outcome(w, 1)->status, SYNOD_UNKNOWN);
    assert_true(drive_outcome(w, 1)->settled);
    assert_int_equal(w->runs[1], 0);
    assert_true(client_session(w->client) > first);
    drive_submit(w, 3);
    drive_for(w, 1000 * MS);
    expect_honest(w, 3);
    assert_int_equal(w->opens, 2); /* once, though four replicas said that it was gone */
    assert_int_equal(drive_counters(w).sessions_expired, 1);
    drive_free(w);
}

static void f_cannot_evict(void **state) {
    (void)state;
    world_t *w = drive_make(7, 7);
    w->fakes[0].mode = w->fakes[4].mode = SAYS_EXPIRED;
    drive_start(w);
    w->stalled = true;
    drive_submit(w, 1);
    drive_for(w, 5000 * MS); /* repeated many times */
    assert_int_equal(drive_counters(w).sessions_expired, 0);
    w->stalled = false;
    drive_for(w, 6000 * MS);
    expect_honest(w, 1);
    drive_free(w);
}

/* What was never sent is known not to have run: it is not lost with the session. */
static void queue_survives_an_eviction(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    w->config.window = 1;
    w->config.batch_operations = 1;
    drive_start(w);
    w->stalled = true;
    drive_submit(w, 1);
    drive_submit(w, 2);
    drive_for(w, 10 * MS);
    world_evict(w);
    w->stalled = false;
    drive_for(w, 1000 * MS);
    assert_int_equal(drive_outcome(w, 1)->status, SYNOD_UNKNOWN);
    expect_honest(w, 2);
    drive_free(w);
}

/* After a long pause the session is asked for, not tried: nothing becomes unknown by its
 * eviction. */
static void asks_for_an_idle_session(void **state) {
    (void)state;
    for (int evicted = 0; evicted <= 1; evicted++) {
        world_t *w = drive_make(4, 7);
        w->config.session_idle_ns = 600000 * MS;
        drive_start(w);
        drive_submit(w, 1);
        drive_for(w, 10 * MS);
        expect_honest(w, 1);
        const uint64_t session = client_session(w->client);
        if (evicted)
            world_evict(w);
        drive_for(w, 299000 * MS);
        assert_int_equal(w->opens, 1);
        drive_for(w, 2000 * MS);
        const uint32_t before = w->fakes[0].requests;
        drive_submit(w, 2);
        drive_for(w, 50 * MS);
        expect_honest(w, 2);
        assert_int_equal(client_session(w->client) == session, !evicted);
        assert_int_equal(w->opens, evicted ? 2 : 1);
        assert_true(w->fakes[0].requests > before); /* the question itself */
        assert_int_equal(drive_counters(w).unknown, 0);
        drive_submit(w, 3); /* sequences go on, or start anew */
        drive_for(w, 50 * MS);
        expect_honest(w, 3);
        drive_free(w);
    }
}

/* Replicas that are behind still have the evicted session; they must not bring it back, for the
 * results of old sequences would be taken for new ones. */
static void does_not_return_to_an_evicted_session(void **state) {
    (void)state;
    world_t *w = drive_ready(4);
    drive_submit(w, 1);
    drive_for(w, 50 * MS);
    expect_honest(w, 1);
    const uint64_t old = client_session(w->client), old_nonce = w->sessions[old].nonce;
    world_evict(w);
    drive_for(w, 10 * MS);
    drive_submit(w, 2);
    drive_for(w, 4 * MS + MS / 2); /* told by one, then by all, and asking again */
    assert_int_equal(client_session(w->client), 0);
    uint8_t number[8];
    store_u64(number, old);
    for (member_t m = 2; m < 4; m++)
        drive_reply(w, w->fakes[m].link,
                    (reply_t){.sequence = old_nonce, .height = 1, .result = bytes_of(number, 8)});
    assert_int_not_equal(client_session(w->client), old);
    drive_for(w, 1000 * MS);
    assert_true(client_session(w->client) > old);
    drive_submit(w, 3);
    drive_for(w, 1000 * MS);
    expect_honest(w, 3);
    drive_free(w);
}

static void bad_configurations(void **state) {
    (void)state;
    world_t *w = drive_make(4, 7);
    const client_config_t good = w->config;
    client_t *client = NULL;
    uint8_t room[16];
    assert_int_not_equal(client_bytes(&good), 0);
    assert_int_equal(client_open(room, sizeof room, &good, &client), SYNOD_NO_MEMORY);
    client_config_t bad = good;
    bad.window = 0;
    assert_int_equal(client_bytes(&bad), 0);
    assert_int_equal(client_open(room, sizeof room, &bad, &client), SYNOD_BAD_CONFIG);
    bad = good;
    bad.batch_operations = REQUEST_OPERATIONS_MAX + 1;
    assert_int_equal(client_bytes(&bad), 0);
    bad = good;
    bad.queue_bytes = bad.payload_bytes_max; /* the largest request and its header must fit */
    assert_int_equal(client_bytes(&bad), 0);
    bad = good;
    bad.payload_bytes_max = 96;
    assert_int_equal(client_bytes(&bad), 0);
    bad = good;
    bad.retry_first_ns = 0;
    assert_int_equal(client_bytes(&bad), 0);
    bad = good;
    bad.retry_max_ns = bad.retry_first_ns - 1;
    assert_int_equal(client_bytes(&bad), 0);
    bad = good;
    bad.deadline_ns = UINT64_MAX;
    assert_int_equal(client_bytes(&bad), 0);
    bad = good;
    bad.query_bytes_max = FRAME_BODY_MAX;
    assert_int_equal(client_bytes(&bad), 0);
    drive_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_one_session_at_all_replicas),
        cmocka_unit_test(opens_when_f_replicas_are_silent),
        cmocka_unit_test(believes_no_f_liars_about_the_session),
        cmocka_unit_test(proves_the_key_again),
        cmocka_unit_test(judges_the_hello),
        cmocka_unit_test(hears_nobody_before_the_hello),
        cmocka_unit_test(waits_while_the_table_is_full),
        cmocka_unit_test(ends_when_the_key_is_refused),
        cmocka_unit_test(one_refusal_of_the_key_is_not_enough),
        cmocka_unit_test(opens_again_when_evicted),
        cmocka_unit_test(f_cannot_evict),
        cmocka_unit_test(queue_survives_an_eviction),
        cmocka_unit_test(asks_for_an_idle_session),
        cmocka_unit_test(does_not_return_to_an_evicted_session),
        cmocka_unit_test(bad_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
