/* Four validators in this process, each with a home, a journal and a thread of its own, and a
 * client: they agree, go on without one of them, take it back; and homes that cannot be opened say
 * why. */
#include "../unit/adapter_world.h"

#include <stdatomic.h>
#include <synod/client.h>
#include <synod/engine.h>
#include <sys/prctl.h>

#include "adapter/home.h"
#include "app/kv_client.h"

#define MEMBERS 4
#define PORT_TRIES 50

static synod_engine *engines[MEMBERS];
static char reason[512];
static uint16_t first_port;

static const char *home_of(uint32_t index) {
    char name[32];
    (void)snprintf(name, sizeof name, "net/node%u", index);
    return world_path(name);
}

static synod_status open_engine(uint32_t index) {
    const synod_engine_options options = {.size_bytes = sizeof options, .home = home_of(index)};
    return synod_engine_open(&options, &engines[index], reason, sizeof reason);
}

static void close_engine(uint32_t index) {
    if (engines[index] != NULL) {
        assert_int_equal(synod_engine_close(engines[index], reason, sizeof reason), SYNOD_OK);
        engines[index] = NULL;
    }
}

static synod_engine_state state_of(uint32_t index) {
    synod_engine_state engine_state = {.size_bytes = sizeof engine_state};
    assert_int_equal(synod_engine_status(engines[index], &engine_state), SYNOD_OK);
    return engine_state;
}

/* Ports may be taken by others: a few ranges are tried. */
static int setup(void **state) {
    if (world_open(state) != 0) {
        return -1;
    }
    for (uint32_t attempt = 0; attempt < PORT_TRIES; attempt++) {
        home_plan_t plan;
        home_plan_default(&plan);
        first_port = (uint16_t)(20000 + ((uint32_t)getpid() * 7 + attempt * 411) % 10000);
        plan.port = first_port;
        plan.settings.log_level = 0;
        if (testnet_create(world_path("net"), MEMBERS, &plan, &world_reason) != SYNOD_OK) {
            return -1;
        }
        uint32_t opened = 0;
        while (opened < MEMBERS && open_engine(opened) == SYNOD_OK) {
            opened++;
        }
        if (opened == MEMBERS) {
            return 0;
        }
        while (opened > 0) {
            close_engine(--opened);
        }
        (void)nftw(world_path("net"), world_remove, 16, FTW_DEPTH | FTW_PHYS);
    }
    return -1;
}

static int teardown(void **state) {
    for (uint32_t index = 0; index < MEMBERS; index++) {
        close_engine(index);
    }
    return world_close(state);
}

#define wait_for(condition)                                                                        \
    do {                                                                                           \
        uint32_t waited = 0;                                                                       \
        for (; !(condition) && waited < 3000; waited++) {                                          \
            (void)usleep(10000);                                                                   \
        }                                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

static void wait_for_peers(uint64_t peers) {
    for (uint32_t index = 0; index < MEMBERS; index++) {
        if (engines[index] != NULL) {
            wait_for(state_of(index).peers == peers);
        }
    }
}

static synod_client *open_client(void) {
    synod_client *client = NULL;
    char path[600];
    (void)snprintf(path, sizeof path, "%s/genesis.json", home_of(0));
    const synod_client_options options = {.size_bytes = sizeof options, .genesis_path = path};
    synod_status status = synod_client_open(&options, &client, reason, sizeof reason);
    if (status != SYNOD_OK) {
        fail_msg("client: %s", reason);
    }
    return client;
}

static void set(synod_client *client, const char *key, const char *value) {
    uint8_t bytes[256], answer[256];
    size_t size = 0;
    writer_t writer = writer_of(bytes, sizeof bytes);
    kv_encode_set(&writer, bytes_of(key, strlen(key)), bytes_of(value, strlen(value)));
    assert_int_equal(synod_client_call(client, writer_bytes(&writer), answer, sizeof answer, &size),
                     SYNOD_OK);
}

static void assert_get(synod_client *client, const char *key, const char *value) {
    uint8_t bytes[256], answer[256];
    size_t size = 0;
    writer_t writer = writer_of(bytes, sizeof bytes);
    kv_maybe_t found;
    kv_encode_get(&writer, bytes_of(key, strlen(key)));
    assert_int_equal(synod_client_call(client, writer_bytes(&writer), answer, sizeof answer, &size),
                     SYNOD_OK);
    assert_true(kv_read_get(bytes_of(answer, size), &found));
    assert_true(found.present);
    assert_true(bytes_equal(found.value, bytes_of(value, strlen(value))));
}

/* Whether a core may be dumped is up to whoever embeds the library, not to it. */
static void test_the_process_stays_its_owners(void **state) {
    (void)state;
    assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
}

static void test_agree(void **state) {
    (void)state;
    wait_for_peers(MEMBERS - 1);
    synod_client *client = open_client();
    for (uint32_t round = 0; round < 20; round++) {
        char value[16];
        (void)snprintf(value, sizeof value, "v%u", round);
        set(client, "key", value);
        assert_get(client, "key", value);
    }
    for (uint32_t index = 0; index < MEMBERS; index++) {
        wait_for(state_of(index).operations == 40);
        assert_int_equal(state_of(index).member, index);
        assert_int_equal(state_of(index).port, first_port + index);
        assert_int_equal(state_of(index).phase, SYNOD_ENGINE_RUNNING);
        assert_int_equal(state_of(index).clients, 1);
    }
    synod_client_close(client);
    wait_for(state_of(1).clients == 0);
}

/* Each of the four is stopped in turn, the leader among them; the others go on; it comes back from
 * its journal and catches up. */
static void test_stop_and_return(void **state) {
    (void)state;
    synod_client *client = open_client();
    for (uint32_t index = 0; index < MEMBERS; index++) {
        char key[16];
        (void)snprintf(key, sizeof key, "without%u", index);
        close_engine(index);
        wait_for_peers(MEMBERS - 2);
        set(client, key, "x");
        assert_get(client, key, "x");
        assert_int_equal(open_engine(index), SYNOD_OK);
        wait_for_peers(MEMBERS - 1);
        uint64_t operations = state_of((index + 1) % MEMBERS).operations;
        wait_for(state_of(index).operations >= operations);
    }
    synod_client_close(client);
}

/* All end at once and come back with what they knew. */
static void test_all_restart(void **state) {
    (void)state;
    uint64_t operations = state_of(0).operations;
    assert_true(operations > 0);
    for (uint32_t index = 0; index < MEMBERS; index++) {
        close_engine(index);
    }
    for (uint32_t index = 0; index < MEMBERS; index++) {
        assert_int_equal(open_engine(index), SYNOD_OK);
    }
    synod_client *client = open_client();
    assert_get(client, "key", "v19");
    for (uint32_t index = 0; index < MEMBERS; index++) {
        wait_for(state_of(index).operations > operations);
    }
    synod_client_close(client);
}

/* Stopped while it recovers, connects, shakes hands: it ends, whenever that is. */
static void test_stop_at_once(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 30; round++) {
        close_engine(round % MEMBERS);
        assert_int_equal(open_engine(round % MEMBERS), SYNOD_OK);
        (void)usleep(round * 500);
    }
    wait_for_peers(MEMBERS - 1);
}

/* attack F13, as the operator meets it. */
static void test_home_in_use(void **state) {
    (void)state;
    synod_engine *second = NULL;
    const synod_engine_options options = {.size_bytes = sizeof options, .home = home_of(2)};
    assert_int_equal(synod_engine_open(&options, &second, reason, sizeof reason), SYNOD_IN_USE);
    assert_non_null(strstr(reason, "runs already"));
    assert_null(second);
}

/* A struct of an older build is shorter: it gets what it knows. */
static void test_sizes(void **state) {
    (void)state;
    synod_engine_state now = {.size_bytes = offsetof(synod_engine_state, view), .view = 4711};
    assert_int_equal(synod_engine_status(engines[1], &now), SYNOD_OK);
    assert_int_equal(now.phase, SYNOD_ENGINE_RUNNING);
    assert_int_equal(now.view, 4711);
    now.size_bytes = sizeof now + 1;
    assert_int_equal(synod_engine_status(engines[1], &now), SYNOD_INVALID);
    char path[600];
    (void)snprintf(path, sizeof path, "%s/genesis.json", home_of(1));
    const synod_client_options options = {.size_bytes = sizeof options, .genesis_path = path};
    synod_client *client;
    assert_int_equal(synod_client_open(&options, &client, reason, sizeof reason), SYNOD_OK);
    synod_client_counters counters = {.size_bytes = 2 * sizeof(uint64_t), .completed = 4711};
    assert_int_equal(synod_client_count(client, &counters), SYNOD_OK);
    assert_int_equal(counters.completed, 4711);
    counters.size_bytes = 1;
    assert_int_equal(synod_client_count(client, &counters), SYNOD_INVALID);
    synod_client_close(client);
    synod_client_close(NULL);
}

static void test_refused(void **state) {
    (void)state;
    synod_engine *engine = NULL;
    synod_app other = *synod_app_null();
    synod_engine_options options = {.size_bytes = sizeof options, .home = world_path("nowhere")};
    assert_int_equal(synod_engine_open(&options, &engine, reason, sizeof reason), SYNOD_NOT_FOUND);
    assert_non_null(strstr(reason, "synod init"));
    options.size_bytes = 3;
    assert_int_equal(synod_engine_open(&options, &engine, reason, sizeof reason), SYNOD_INVALID);
    options.size_bytes = sizeof options + 8; /* what a newer build wants is not known here */
    assert_int_equal(synod_engine_open(&options, &engine, NULL, 0), SYNOD_INVALID);
    options.size_bytes = offsetof(synod_engine_options, app); /* an older one */
    options.app = (const synod_app *)&options;                /* is not its */
    assert_int_equal(synod_engine_open(&options, &engine, reason, sizeof reason), SYNOD_NOT_FOUND);
    options.size_bytes = sizeof options;
    options.app = &(const synod_app){.size_bytes = 0, .name = "kv"};
    assert_int_equal(synod_engine_open(&options, &engine, reason, sizeof reason), SYNOD_INVALID);
    assert_non_null(strstr(reason, "application"));
    options.app = NULL;
    options.size_bytes = sizeof options;
    close_engine(3);
    options.home = home_of(3);
    options.app = &other;
    assert_int_equal(synod_engine_open(&options, &engine, reason, sizeof reason), SYNOD_MISMATCH);
    assert_non_null(strstr(reason, "'kv'"));
    options.app = NULL;
    char journal[600];
    (void)snprintf(journal, sizeof journal, "%s/data/journal", home_of(3));
    assert_int_equal(unlink(journal), 0);
    assert_int_equal(synod_engine_open(&options, &engine, reason, sizeof reason), SYNOD_NOT_FOUND);
    assert_non_null(strstr(reason, "must not sign"));
    assert_null(engine);
}

/* ---- an application that asks its own engine ---- */

static _Atomic(synod_engine *) asked_engine;
static atomic_uint asked_well, asked_ill;

static synod_status curious_execute(void *app_state, const synod_block_info *block,
                                    synod_bytes operation, synod_writer *reply) {
    synod_engine *engine = atomic_load(&asked_engine);
    if (engine != NULL) {
        synod_engine_state now = {.size_bytes = sizeof now};
        char why[64] = "";
        bool well = synod_engine_status(engine, &now) == SYNOD_OK && now.member == 3 &&
                    now.phase == SYNOD_ENGINE_RUNNING && now.executed_height <= block->height &&
                    synod_engine_wait(engine, why, sizeof why) == SYNOD_INVALID &&
                    strstr(why, "its own thread") != NULL &&
                    synod_engine_close(engine, NULL, 0) == SYNOD_INVALID;
        atomic_fetch_add(well ? &asked_well : &asked_ill, 1);
    }
    return synod_app_kv()->execute(app_state, block, operation, reply);
}

/* Its calls come from the engine's thread, which cannot wait for itself. */
static void test_asked_on_its_own_thread(void **state) {
    (void)state;
    synod_app curious = *synod_app_kv();
    curious.execute = curious_execute;
    close_engine(3);
    const synod_engine_options options = {
        .size_bytes = sizeof options, .home = home_of(3), .app = &curious};
    assert_int_equal(synod_engine_open(&options, &engines[3], reason, sizeof reason), SYNOD_OK);
    wait_for_peers(MEMBERS - 1);
    atomic_store(&asked_engine, engines[3]);
    synod_client *client = open_client();
    set(client, "curious", "x");
    wait_for(atomic_load(&asked_well) + atomic_load(&asked_ill) > 0);
    atomic_store(&asked_engine, NULL);
    assert_int_equal(atomic_load(&asked_ill), 0);
    wait_for(state_of(3).operations == state_of(0).operations); /* others still get an answer */
    synod_client_close(client);
    close_engine(3);
    assert_int_equal(open_engine(3), SYNOD_OK);
    wait_for_peers(MEMBERS - 1);
}

static synod_status try_set(synod_client *client, bytes_t operation) {
    uint8_t answer[64];
    size_t size = 0;
    return synod_client_call(client, operation, answer, sizeof answer, &size);
}

/* ---- a client that nobody can answer ---- */

static synod_client *open_hurried_client(void) {
    synod_client *client = NULL;
    char path[600];
    (void)snprintf(path, sizeof path, "%s/genesis.json", home_of(0));
    const synod_client_options options = {.size_bytes = sizeof options,
                                          .genesis_path = path,
                                          .deadline_ns = UINT64_C(300000000),
                                          .window = 1};
    assert_int_equal(synod_client_open(&options, &client, reason, sizeof reason), SYNOD_OK);
    return client;
}

/* Each operation has its deadline, also one that the core has no room for: the first was sent and
 * may still run, so it keeps its place, and no later one gets out. */
static void test_every_operation_ends(void **state) {
    (void)state;
    synod_client *client = open_hurried_client();
    uint8_t bytes[64];
    writer_t writer = writer_of(bytes, sizeof bytes);
    kv_encode_set(&writer, bytes_of("key", 3), bytes_of("value", 5));
    wait_for(try_set(client, writer_bytes(&writer)) == SYNOD_OK);
    close_engine(2);
    close_engine(3);
    for (uint32_t count = 0; count < 6; count++) {
        assert_int_equal(synod_client_submit(client, writer_bytes(&writer), NULL, NULL), SYNOD_OK);
        synod_client_flush(client);
        if (!synod_client_wait(client, UINT64_C(3000000000))) {
            fail_msg("operation %u of nobody's answer did not end", count);
        }
    }
    synod_client_close(client);
    assert_int_equal(open_engine(2), SYNOD_OK);
    assert_int_equal(open_engine(3), SYNOD_OK);
    wait_for_peers(MEMBERS - 1);
}

typedef struct again {
    synod_client *client;
    uint32_t taken, refused, never_sent;
} again_t;

static void on_again(void *context, const synod_client_result *result) {
    again_t *again = context;
    if (result->status == SYNOD_OK) {
        return;
    }
    again->never_sent += result->status == SYNOD_BUSY;
    synod_status status = synod_client_submit(again->client, bytes_of("x", 1), on_again, again);
    *(status == SYNOD_OK ? &again->taken : &again->refused) += 1;
}

/* Who submits again what was not done does so in the callbacks of the close as well. */
static void test_submit_while_closing(void **state) {
    (void)state;
    close_engine(0);
    close_engine(1);
    close_engine(2);
    close_engine(3);
    again_t again = {.client = open_client()};
    assert_int_equal(synod_client_submit(again.client, bytes_of("x", 1), on_again, &again),
                     SYNOD_OK);
    (void)usleep(100000);
    synod_client_close(again.client);
    assert_int_equal(again.taken, 0);
    assert_int_equal(again.refused, 1);
    assert_int_equal(again.never_sent, 1); /* there was nobody to open a session */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_process_stays_its_owners),
        cmocka_unit_test(test_agree),
        cmocka_unit_test(test_stop_and_return),
        cmocka_unit_test(test_all_restart),
        cmocka_unit_test(test_stop_at_once),
        cmocka_unit_test(test_home_in_use),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_asked_on_its_own_thread),
        cmocka_unit_test(test_every_operation_ends),
        cmocka_unit_test(test_submit_while_closing),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
