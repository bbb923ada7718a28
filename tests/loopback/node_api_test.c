/* The HTTP API of four running validators: what a page says can be checked by whoever reads it, and
 * the metrics are those that docs/guide/monitor.md lists. */
#include "../unit/adapter_world.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <synod/app.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "adapter/home.h"
#include "adapter/meter.h"
#include "codec/sync_codec.h"
#include "crypto/hash.h"

#define MEMBERS 4
#define FIRST_PORT 8210
#define WITHOUT_SUBMIT 3

static pid_t running;
static home_t home;
static char page[1 << 18];
static unsigned status;

/* ---- validators ---- */

static pid_t spawn(const char *const *arguments) {
    extern char **environ;
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, getenv("SYNOD_BIN"), NULL, NULL,
                                 (char *const *)(uintptr_t)arguments, environ),
                     0);
    return pid;
}

static void pause_ms(long milliseconds) {
    const struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* ---- a client ---- */

static int dial(uint32_t member) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)(FIRST_PORT + HTTP_PORT_OFFSET + member)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {20, 0};
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(file >= 0);
    assert_int_equal(setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    if (connect(file, (struct sockaddr *)&at, sizeof at) != 0) {
        (void)close(file);
        return -1;
    }
    return file;
}

/* The body is in `page`, the status in `status`; 0 when nobody is there. */
static const char *ask(uint32_t member, const char *method, const char *target, const char *header,
                       const char *body) {
    char request[8192];
    int size = snprintf(request, sizeof request,
                        "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%sContent-Length: %zu"
                        "\r\n\r\n%s",
                        method, target, header, strlen(body), body);
    int file = dial(member);
    size_t got = 0;
    status = 0;
    page[0] = '\0';
    if (file < 0) {
        return page;
    }
    assert_int_equal(send(file, request, (size_t)size, MSG_NOSIGNAL), size);
    for (ssize_t more = 1; more > 0; got += more > 0 ? (size_t)more : 0) {
        more = recv(file, page + got, sizeof page - 1 - got, 0);
    }
    (void)close(file);
    page[got] = '\0';
    assert_int_equal(sscanf(page, "HTTP/1.1 %u", &status), 1);
    const char *rest = strstr(page, "\r\n\r\n");
    assert_non_null(rest);
    memmove(page, rest + 4, strlen(rest + 4) + 1);
    return page;
}

static const char *get(uint32_t member, const char *target) {
    return ask(member, "GET", target, "", "");
}

static cJSON *get_json(uint32_t member, const char *target, unsigned expected) {
    cJSON *json = cJSON_Parse(get(member, target));
    if (status != expected || json == NULL) {
        fail_msg("%s: %u %s", target, status, page);
    }
    return json;
}

static double number(const cJSON *json, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    if (!cJSON_IsNumber(item)) {
        fail_msg("no number %s", name);
    }
    return item->valuedouble;
}

static const char *string(const cJSON *json, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    if (!cJSON_IsString(item)) {
        fail_msg("no string %s", name);
    }
    return item->valuestring;
}

static bool truth(const cJSON *json, const char *name) {
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, name));
}

static bytes_t bytes_named(const cJSON *json, const char *name, uint8_t *room) {
    const char *text = string(json, name);
    size_t size = strlen(text) / 2;
    for (size_t at = 0; at < size; at++) {
        unsigned byte = 0;
        assert_int_equal(sscanf(text + 2 * at, "%2x", &byte), 1);
        room[at] = (uint8_t)byte;
    }
    return bytes_of(room, size);
}

static digest_t digest_named(const cJSON *json, const char *name) {
    digest_t digest;
    assert_int_equal(bytes_named(json, name, digest.bytes).size, sizeof digest.bytes);
    return digest;
}

static void submit(uint32_t member, const char *target, const char *body) {
    (void)ask(member, "POST", target, "", body);
    cJSON *json = cJSON_Parse(page);
    if (status != 200 || json == NULL || strcmp(string(json, "outcome"), "ok") != 0) {
        fail_msg("%s: %u %s", target, status, page);
    }
    cJSON_Delete(json);
}

static int start(void **state) {
    home_plan_t plan;
    char path[700], command[900];
    if (world_open(state) != 0) {
        return -1;
    }
    home_plan_default(&plan);
    plan.port = FIRST_PORT;
    plan.http = true;
    plan.settings.http_submit = 1;
    plan.settings.meter = METER_STAGES;
    (void)snprintf(path, sizeof path, "%s/net", world_folder);
    assert_int_equal(testnet_create(path, MEMBERS, &plan, &world_reason), SYNOD_OK);
    (void)snprintf(command, sizeof command,
                   "sed -i 's/^submit = yes/submit = no/' %s/node%d/config", path, WITHOUT_SUBMIT);
    assert_int_equal(system(command), 0);
    const char *const arguments[] = {"synod", "up", "--home", path, NULL};
    running = spawn(arguments);
    (void)snprintf(command, sizeof command, "%s/node0", path);
    assert_int_equal(home_read(command, &home, &world_reason), SYNOD_OK);
    for (uint32_t tries = 0; tries < 300; tries++) {
        if (strstr(get(0, "/status"), "\"peers\":3,") != NULL) {
            return 0;
        }
        pause_ms(50);
    }
    return -1;
}

static int stop(void **state) {
    int code = 0;
    home_free(&home);
    (void)kill(running, SIGTERM);
    assert_int_equal(waitpid(running, &code, 0), running);
    assert_true(WIFEXITED(code) && WEXITSTATUS(code) == 0);
    return world_close(state);
}

/* ---- pages ---- */

static void test_list_and_errors(void **state) {
    (void)state;
    assert_non_null(strstr(get(1, "/"), "/metrics"));
    assert_int_equal(status, 200);
    const struct {
        const char *method, *target;
        unsigned status;
    } cases[] = {{"GET", "/nothing", 404},    {"GET", "/statu", 404},
                 {"GET", "/status/", 404},    {"POST", "/status", 405},
                 {"PUT", "/status", 405},     {"GET", "/submit", 405},
                 {"GET", "/block/", 400},     {"GET", "/block/x", 400},
                 {"GET", "/block/0", 404},    {"GET", "/block/9999999", 404},
                 {"GET", "/block/1/2", 400},  {"GET", "/query", 400},
                 {"GET", "/query?ky=a", 400}, {"GET", "/query?key=%4", 400},
                 {"GET", "/query?key=a", 503}}; /* nothing was executed: nobody signed a root */
    for (size_t at = 0; at < sizeof cases / sizeof cases[0]; at++) {
        (void)ask(2, cases[at].method, cases[at].target, "", "");
        if (status != cases[at].status || strstr(page, "\"error\":") == NULL) {
            fail_msg("%s %s: %u %s", cases[at].method, cases[at].target, status, page);
        }
    }
}

static void test_status(void **state) {
    (void)state;
    for (uint32_t member = 0; member < MEMBERS; member++) {
        cJSON *json = get_json(member, "/status", 200);
        assert_int_equal((int)number(json, "member"), (int)member);
        assert_string_equal(string(json, "chain"), "synod");
        const cJSON *members = cJSON_GetObjectItemCaseSensitive(json, "members");
        assert_int_equal(cJSON_GetArraySize(members), MEMBERS);
        for (int other = 0; other < MEMBERS; other++) {
            assert_true(truth(cJSON_GetArrayItem(members, other), "connected"));
        }
        assert_true(number(json, "time_ns") > 0 && number(json, "disk_syncs") > 0);
        cJSON_Delete(json);
    }
}

static void test_submit(void **state) {
    (void)state;
    submit(0, "/submit?key=a%20b", "hello");
    (void)ask(1, "POST", "/submit", "", "\xff\xff");
    assert_int_equal(status, 400); /* no operation of kv */
    (void)ask(1, "POST", "/submit?key=a", "Origin: http://elsewhere\r\n", "x");
    assert_int_equal(status, 403);
    (void)ask(1, "POST", "/submit", "", "");
    assert_int_equal(status, 400);
    (void)ask(WITHOUT_SUBMIT, "POST", "/submit?key=a", "", "x");
    assert_int_equal(status, 404);
}

/* f + 1 signatures or more over the root, which is the digest of its parts, and none that is not.
 */
static bool root_holds(const cJSON *root) {
    static const char tag[16] = "synod.state.v1";
    committee_t committee;
    member_info_t infos[MEMBERS];
    verifier_t verifier = verifier_ed25519();
    genesis_committee(&home.genesis, infos, &verifier, &committee);
    checkpoint_t checkpoint = {.epoch = (epoch_t)number(root, "epoch"),
                               .height = (height_t)number(root, "height"),
                               .root = digest_named(root, "root")};
    digest_t application = digest_named(root, "application");
    digest_t sessions = digest_named(root, "sessions");
    digest_t members = digest_named(root, "committee"), order = digest_named(root, "order");
    digest_t ordered = hash_bytes(bytes_of(order.bytes, sizeof order.bytes));
    bytes_t parts[] = {bytes_of(tag, 16), bytes_of(&application, 32), bytes_of(&sessions, 32),
                       bytes_of(&members, 32), bytes_of(&ordered, 32)};
    digest_t whole = hash_parts(parts, 5);
    uint32_t good = 0, given = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "signatures")) {
        uint8_t signed_bytes[CHECKPOINT_SIGNED_BYTES];
        given++;
        checkpoint_signed_bytes(&checkpoint, &committee.domain, signed_bytes);
        (void)bytes_named(item, "signature", checkpoint.signature.bytes);
        good += verifier.verify(
                    verifier.context, &committee.members[(member_t)number(item, "member")].key,
                    bytes_of(signed_bytes, sizeof signed_bytes), &checkpoint.signature) == SYNOD_OK;
    }
    return digest_equal(&whole, &checkpoint.root) && good >= 2 && good == given;
}

/* A reader who has the genesis and trusts no validator. */
static bool answer_holds(const cJSON *json) {
    static uint8_t query[4096], reply[4096], proof[16384];
    const cJSON *root = cJSON_GetObjectItemCaseSensitive(json, "state");
    digest_t application = digest_named(root, "application");
    return synod_app_find("kv")->verify(&application, bytes_named(json, "query", query),
                                        bytes_named(json, "reply", reply),
                                        bytes_named(json, "proof", proof)) == SYNOD_OK;
}

/* Another digit somewhere in the text of a field. */
static void tamper(const cJSON *json, const char *name) {
    char *text = cJSON_GetObjectItemCaseSensitive(json, name)->valuestring;
    char *last = text + strlen(text) - 1;
    *last = *last == '0' ? '1' : '0';
}

static double executed(uint32_t member) {
    cJSON *json = get_json(member, "/status", 200);
    double height = number(json, "executed");
    cJSON_Delete(json);
    return height;
}

/* `value`: what it is to become, a member may be behind; NULL: any, or none. Whatever is said until
 * then holds as well, and is not older than what the member had executed: the first questions come
 * before there is a root of what was just written. */
static cJSON *get_proved(uint32_t member, const char *target, const char *value) {
    for (uint32_t tries = 0; tries < 100; tries++) { /* the root follows when writes pause */
        double height = executed(member);
        cJSON *json = cJSON_Parse(get(member, target));
        const cJSON *root = cJSON_GetObjectItemCaseSensitive(json, "state");
        if (status == 200 && truth(root, "attested")) {
            assert_true(answer_holds(json) && root_holds(root));
            assert_true(number(root, "height") >= height);
            if (value == NULL || strcmp(string(json, "value"), value) == 0) {
                return json;
            }
        }
        cJSON_Delete(json);
        pause_ms(50);
    }
    fail_msg("%s: %u %s", target, status, page);
    return NULL;
}

static void test_query(void **state) {
    (void)state;
    submit(0, "/submit?key=a%20b", "before");
    cJSON_Delete(get_proved(0, "/query?key=a+b", NULL)); /* an older root, signed by all as well */
    submit(0, "/submit?key=a%20b", "hello");
    for (uint32_t member = 0; member < MEMBERS; member++) {
        cJSON *json = get_proved(member, "/query?key=a+b", "68656c6c6f");
        cJSON *root = cJSON_GetObjectItemCaseSensitive(json, "state");
        assert_true(truth(json, "present"));
        tamper(json, "reply");
        assert_false(answer_holds(json));
        tamper(root, "sessions");
        assert_false(root_holds(root));
        cJSON_Delete(json);
        json = get_proved(member, "/query?key=nothing", NULL);
        assert_false(truth(json, "present"));
        tamper(json, "proof");
        assert_false(answer_holds(json));
        cJSON_Delete(json);
    }
}

/* The same from memory and, when newer ones have come, from the journal. */
static void test_block(void **state) {
    (void)state;
    static char first[4096];
    cJSON *json = get_json(1, "/block/2", 200);
    cJSON *parent = get_json(1, "/block/1", 200);
    assert_int_equal((int)number(json, "height"), 2);
    assert_string_equal(string(json, "parent"), string(parent, "id"));
    cJSON_Delete(json);
    cJSON_Delete(parent);
    (void)snprintf(first, sizeof first, "%s", get(1, "/block/2"));
    for (uint32_t count = 0; count < 12; count++) { /* two blocks each: 16 are kept in memory */
        submit(0, "/submit?key=x", "y");
    }
    (void)get(1, "/block/2");
    assert_int_equal(status, 200);
    assert_string_equal(page, first);
    json = cJSON_Parse(page);
    const cJSON *proof = cJSON_GetObjectItemCaseSensitive(json, "proof");
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(proof, "signers")) >= 3);
    assert_true(number(proof, "height") >= 2);
    cJSON_Delete(json);
}

/* ---- metrics ---- */

static bool is_listed(const char *document, const char *name) {
    char row[160];
    (void)snprintf(row, sizeof row, "| `%s` |", name);
    return strstr(document, row) != NULL;
}

static char *read_document(void) {
    char path[700];
    const char *source = getenv("SYNOD_SOURCE");
    size_t size = 0;
    (void)snprintf(path, sizeof path, "%s/docs/guide/monitor.md",
                   source != NULL ? source : SYNOD_SOURCE_DIR);
    return strdup((const char *)world_get(path, &size));
}

/* Each family has help and type and stands in the table; each row of the table has a family. */
static void test_metrics_and_table(void **state) {
    (void)state;
    static char text[sizeof page];
    char name[128], kind[32];
    char *document = read_document();
    (void)snprintf(text, sizeof text, "%s", get(2, "/metrics"));
    assert_int_equal(status, 200);
    uint32_t families = 0, rows = 0;
    for (const char *at = strstr(text, "# TYPE "); at != NULL; at = strstr(at + 1, "# TYPE ")) {
        assert_int_equal(sscanf(at, "# TYPE %127s %31s", name, kind), 2);
        families++;
        if (!is_listed(document, name)) {
            fail_msg("docs/guide/monitor.md does not list %s", name);
        }
    }
    for (const char *at = strstr(document, "\n| `"); at != NULL; at = strstr(at + 1, "\n| `")) {
        char type[160];
        if (sscanf(at, "\n| `%127[a-z_]` |", name) != 1 ||
            (strncmp(name, "synod_", 6) != 0 && strncmp(name, "process_", 8) != 0)) {
            continue;
        }
        rows++;
        (void)snprintf(type, sizeof type, "# TYPE %s ", name);
        if (strstr(text, type) == NULL) {
            fail_msg("no scrape has %s, which docs/guide/monitor.md lists", name);
        }
    }
    assert_true(families > 40 && families == rows);
    free(document);
}

static double sample(uint32_t member, const char *name) {
    char line[160];
    double value = -1;
    const char *text = get(member, "/metrics");
    (void)snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(text, line);
    if (at == NULL || sscanf(at + strlen(line), "%lf", &value) != 1) {
        fail_msg("no sample %s", name);
    }
    return value;
}

/* The same names here, in the table, and in what synod bench prints. */
static void test_stages_of_the_table(void **state) {
    (void)state;
    char name[128], row[300];
    int size = snprintf(row, sizeof row, "counter | stage:");
    for (uint32_t stage = 0; stage < STAGE_COUNT; stage++) {
        (void)snprintf(name, sizeof name, "synod_stage_cpu_seconds_total{stage=\"%s\"}",
                       meter_stage_names[stage].name);
        (void)sample(0, name);
        size += snprintf(row + size, sizeof row - (size_t)size, "%s %s", stage == 0 ? "" : ",",
                         meter_stage_names[stage].name);
    }
    char *document = read_document();
    if (strstr(document, row) == NULL) {
        fail_msg("docs/guide/monitor.md does not list %s", row);
    }
    free(document);
}

static void test_metrics_move(void **state) {
    (void)state;
    double height = sample(1, "synod_final_height"), bytes = sample(1, "synod_journal_bytes_total");
    double ok = sample(1, "synod_requests_total{result=\"ok\"}");
    double syncs = sample(1, "synod_journal_sync_seconds_count");
    double votes = sample(0, "synod_member_signatures_total{member=\"1\"}");
    double final = sample(1, "synod_stage_seconds_count{stage=\"final\"}");
    double order = sample(0, "synod_stage_seconds_count{stage=\"order\"}");
    for (uint32_t count = 0; count < 4; count++) {
        submit(1, "/submit?key=x", "y");
    }
    assert_true(sample(1, "synod_final_height") >= height + 4);
    assert_true(sample(1, "synod_journal_bytes_total") > bytes);
    assert_true(sample(1, "synod_requests_total{result=\"ok\"}") >= ok + 4);
    assert_true(sample(1, "synod_journal_sync_seconds_count") > syncs);
    assert_true(sample(0, "synod_member_signatures_total{member=\"1\"}") > votes);
    assert_true(sample(1, "synod_stage_seconds_count{stage=\"final\"}") >= final + 4);
    assert_true(sample(0, "synod_stage_seconds_count{stage=\"order\"}") >= order + 4);
    assert_true(sample(1, "synod_members_missing") == 0);
    assert_true(sample(1, "synod_member_connected{member=\"3\"}") == 1);
    assert_true(sample(1, "synod_network_bytes_total{direction=\"in\",kind=\"message\"}") > 0);
    assert_true(sample(1, "synod_network_bytes_total{direction=\"out\",kind=\"message\"}") > 0);
    assert_true(sample(1, "process_cpu_seconds_total") > 0);
    assert_true(sample(1, "process_resident_memory_bytes") > 1 << 20);
    assert_true(sample(1, "synod_disk_free_bytes") > 0);
    double started = sample(1, "process_start_time_seconds"), now = (double)time(NULL);
    assert_true(now - started >= 0 && now - started < 120);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_and_errors), cmocka_unit_test(test_submit),
        cmocka_unit_test(test_status),          cmocka_unit_test(test_query),
        cmocka_unit_test(test_block),           cmocka_unit_test(test_stages_of_the_table),
        cmocka_unit_test(test_metrics_move),    cmocka_unit_test(test_metrics_and_table),
    };
    return cmocka_run_group_tests_name("node.api", tests, start, stop);
}
