/* Reading records back through a client that is made here: what nobody answers is told as
 * different, and no read is left behind whose answer would go to memory that is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "app/kv_client.h"
#include "cli/connect.h"
#include "cli/loader.h"

#define RECORDS 3
#define DEADLINE_NS UINT64_C(30000000000)

static struct {
    synod_client_done *done;
    void *context;
} open_reads[RECORDS * 8];
static uint32_t open_count, asked;
static bool answers;

uint64_t monotonic_ns(void) {
    return 1;
}

synod_status synod_client_submit(synod_client *client, synod_bytes operation,
                                 synod_client_done *done, void *context) {
    (void)client, (void)operation, (void)done, (void)context;
    return SYNOD_BUSY;
}

synod_status synod_client_query(synod_client *client, synod_bytes query, bool prove,
                                synod_client_done *done, void *context) {
    (void)client, (void)query, (void)prove;
    assert_true(open_count < sizeof open_reads / sizeof open_reads[0]);
    open_reads[open_count].done = done;
    open_reads[open_count++].context = context;
    asked++;
    return SYNOD_OK;
}

/* Without answers each read takes its deadline. */
bool synod_client_wait(synod_client *client, uint64_t timeout_ns) {
    /* As kv tells of a value that is there: no error, present, "b". */
    static const uint8_t value[] = {0, 1, 1, 0, 0, 0, 'b'};
    synod_client_result result = {.size_bytes = sizeof result, .status = SYNOD_UNKNOWN};
    (void)client;
    if (answers) {
        result.status = SYNOD_OK;
        result.result = bytes_of(value, sizeof value);
    } else if (open_count > 0 && timeout_ns < DEADLINE_NS) {
        return false;
    }
    while (open_count > 0) {
        open_count--;
        open_reads[open_count].done(open_reads[open_count].context, &result);
    }
    return true;
}

static void nothing(void *context, uint64_t compared) {
    (void)context, (void)compared;
}

static uint64_t compare(void) {
    record_pair_t pairs[RECORDS];
    for (uint32_t i = 0; i < RECORDS; i++)
        pairs[i] = (record_pair_t){bytes_of("a", 1), bytes_of("b", 1)};
    record_set_t records = {.pairs = pairs, .count = RECORDS};
    asked = open_count = 0;
    return loader_compare(NULL, &records, nothing, NULL);
}

static void test_answered(void **state) {
    (void)state;
    answers = true;
    assert_int_equal(compare(), 0);
    assert_int_equal(asked, RECORDS);
}

static void test_nobody_answers(void **state) {
    (void)state;
    answers = false;
    assert_int_equal(compare(), RECORDS);
    assert_int_equal(open_count, 0);
    assert_true(asked <= RECORDS + 3); /* and nobody waits for each of them again and again */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answered),
        cmocka_unit_test(test_nobody_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
