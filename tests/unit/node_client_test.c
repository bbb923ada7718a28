/* The client's thread without threads and without a network: which question an answer is for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/sync_codec.h"
#include "node/client_state.h"

#define SENT_MAX 8

static synod_client client;
static status_slot_t slot;
static uint64_t sent[SENT_MAX]; /* numbers of questions */
static uint32_t sent_count;

void net_send(net_t *net, const link_t *links, uint32_t count, lane_t lane, bytes_t frame) {
    (void)net, (void)links, (void)count, (void)lane;
    assert_int_equal(load_u16(frame.data + 6), FRAME_STATUS_ASK);
    assert_true(sent_count < SENT_MAX);
    sent[sent_count++] =
        frame.size == FRAME_HEADER_BYTES ? 0 : load_u64(frame.data + FRAME_HEADER_BYTES);
}

void net_close(net_t *net, link_t link) {
    (void)net, (void)link;
}

const char *net_trouble(const net_t *net, member_t member) {
    (void)net, (void)member;
    return "";
}

void net_stop(net_t *net, synod_status status, const char *reason) {
    (void)net, (void)status, (void)reason;
}

bool net_stopped(const net_t *net) {
    (void)net;
    return true;
}

void client_start(client_t *core, uint64_t now_ns) {
    (void)core, (void)now_ns;
}

void client_on_link_up(client_t *core, uint64_t now_ns, client_link_t link, member_t member) {
    (void)core, (void)now_ns, (void)link, (void)member;
}

void client_on_link_down(client_t *core, uint64_t now_ns, client_link_t link) {
    (void)core, (void)now_ns, (void)link;
}

void client_on_frame(client_t *core, uint64_t now_ns, client_link_t link, frame_t frame) {
    (void)core, (void)now_ns, (void)link, (void)frame;
}

void client_on_tick(client_t *core, uint64_t now_ns) {
    (void)core, (void)now_ns;
}

synod_status client_submit(client_t *core, uint64_t now_ns, synod_bytes operation,
                           uint64_t *token) {
    (void)core, (void)now_ns, (void)operation, (void)token;
    return SYNOD_BUSY;
}

synod_status client_query(client_t *core, uint64_t now_ns, synod_bytes query, bool prove,
                          uint64_t *token) {
    (void)core, (void)now_ns, (void)query, (void)prove, (void)token;
    return SYNOD_BUSY;
}

void client_flush(client_t *core, uint64_t now_ns) {
    (void)core, (void)now_ns;
}

void client_counters(const client_t *core, client_counters_t *counters) {
    (void)core;
    *counters = (client_counters_t){0};
}

void client_on_called(void *context, const synod_client_result *result) {
    (void)context, (void)result;
}

static void up(link_t link) {
    net_events_t events = client_net_events(&client);
    events.on_up(events.context, link, 0, 1);
}

static uint64_t ask(void) {
    slot.asked++;
    client_on_signal(&client.signal);
    return slot.asked;
}

static void answer(link_t link, uint64_t question, uint64_t view) {
    uint8_t bytes[STATUS_FIXED_BYTES];
    const status_report_t report = {.question = question, .view = view};
    writer_t writer = writer_of(bytes, sizeof bytes);
    status_report_encode(&report, &writer);
    assert_false(writer.failed);
    net_events_t events = client_net_events(&client);
    events.on_frame(events.context, link, (frame_t){FRAME_STATUS, writer_bytes(&writer)});
}

static int open_client(void **state) {
    (void)state;
    client = (synod_client){.statuses = &slot, .genesis.member_count = 1};
    slot = (status_slot_t){.link = LINK_NONE};
    sent_count = 0;
    client.signal.data = &client;
    return uv_loop_init(&client.loop) == 0 && uv_mutex_init(&client.mutex) == 0 &&
                   uv_cond_init(&client.changed) == 0 &&
                   uv_async_init(&client.loop, &client.signal, client_on_signal) == 0
               ? 0
               : -1;
}

static int close_client(void **state) {
    (void)state;
    uv_close((uv_handle_t *)&client.signal, NULL);
    (void)uv_run(&client.loop, UV_RUN_DEFAULT);
    uv_cond_destroy(&client.changed);
    uv_mutex_destroy(&client.mutex);
    free(slot.bytes);
    return uv_loop_close(&client.loop);
}

/* Of a member that was slow: what it said of an older moment is no news of this one. */
static void test_a_late_answer(void **state) {
    (void)state;
    up(7);
    uint64_t first = ask();
    assert_int_equal(sent_count, 1);
    assert_int_equal(sent[0], first);
    uint64_t second = ask(); /* nobody waits for the first any more */
    assert_int_equal(sent[1], second);
    answer(7, first, 1);
    assert_int_equal(slot.answered, first);
    answer(7, second, 2);
    assert_int_equal(slot.answered, second);
}

/* A number that was not asked for there, or was answered, is no answer. */
static void test_no_answer(void **state) {
    (void)state;
    up(7);
    uint64_t first = ask();
    answer(7, first + 1, 1);
    answer(7, 0, 1);
    answer(8, first, 1);
    assert_int_equal(slot.answered, 0);
    answer(7, first, 2);
    assert_int_equal(slot.answered, first);
    uint64_t second = ask();
    up(9); /* what went over the older link went nowhere */
    client_on_signal(&client.signal);
    assert_int_equal(sent_count, 3);
    answer(7, second, 3);
    assert_int_equal(slot.answered, first);
    answer(9, second, 4);
    assert_int_equal(slot.answered, second);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_client, close_client)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_a_late_answer), TEST(test_no_answer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
