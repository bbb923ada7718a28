/* synod doctor against four real validators: each trouble is made for real, and it must name the
 * right member and cause; without any it says healthy. Members reach each other through small
 * relays of this test, which can lose one direction or break a link. */
#include "../unit/adapter_world.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "adapter/home.h"

#define MEMBERS 4
#define FIRST_PORT 8410
#define RELAY_PORT 8440
#define CONNECTIONS_MAX 64

/* By dialling member and the one that is dialled; shared with the relays' process. */
typedef struct fault_map {
    volatile bool broken[MEMBERS][MEMBERS]; /* no connection */
    volatile bool deaf[MEMBERS][MEMBERS];   /* what [a] says to [b] is lost on the way */
} fault_map_t;

static fault_map_t *faults;
static pid_t nodes[MEMBERS], relays, toggler;

static void pause_ms(long milliseconds) {
    const struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* ---- relays: a process that does nothing else ---- */

typedef struct connection {
    int files[2]; /* of the dialling member, of the dialled one */
    uint32_t from, to;
} connection_t;

static int relay_listen(uint32_t from, uint32_t to) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)(RELAY_PORT + from * MEMBERS + to)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(file, (struct sockaddr *)&at, sizeof at) != 0 || listen(file, 16) != 0) {
        _exit(1);
    }
    return file;
}

static int relay_dial(uint32_t to) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)(FIRST_PORT + to)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(file, (struct sockaddr *)&at, sizeof at) == 0) {
        return file;
    }
    (void)close(file);
    return -1;
}

static void relay_close(connection_t *connection) {
    (void)close(connection->files[0]);
    (void)close(connection->files[1]);
    connection->files[0] = connection->files[1] = -1;
}

/* One piece in one direction; what is said into a deaf ear is lost. */
static void relay_move(connection_t *connection, int side) {
    static uint8_t piece[65536];
    uint32_t says = side == 0 ? connection->from : connection->to;
    uint32_t hears = side == 0 ? connection->to : connection->from;
    ssize_t got = recv(connection->files[side], piece, sizeof piece, 0);
    bool lost = faults->deaf[says][hears];
    if (got <= 0 ||
        (!lost && send(connection->files[1 - side], piece, (size_t)got, MSG_NOSIGNAL) != got)) {
        relay_close(connection);
    }
}

static void relay_accept(connection_t *connections, int listener, uint32_t from, uint32_t to) {
    int file = accept(listener, NULL, NULL);
    uint32_t at = 0;
    while (at < CONNECTIONS_MAX && connections[at].files[0] >= 0) {
        at++;
    }
    int other = file < 0 || at == CONNECTIONS_MAX || faults->broken[from][to] ? -1 : relay_dial(to);
    if (other < 0) {
        (void)close(file);
        return;
    }
    connections[at] = (connection_t){{file, other}, from, to};
}

static void relay_forever(void) {
    static connection_t connections[CONNECTIONS_MAX];
    static struct pollfd polled[2 * CONNECTIONS_MAX + MEMBERS * MEMBERS];
    int listeners[MEMBERS][MEMBERS];
    for (uint32_t at = 0; at < CONNECTIONS_MAX; at++) {
        connections[at].files[0] = connections[at].files[1] = -1;
    }
    for (uint32_t from = 0; from < MEMBERS; from++) {
        for (uint32_t to = 0; to < from; to++) {
            listeners[from][to] = relay_listen(from, to);
        }
    }
    for (;;) {
        nfds_t count = 0;
        for (uint32_t at = 0; at < CONNECTIONS_MAX; at++) {
            connection_t *c = &connections[at];
            if (c->files[0] >= 0 && faults->broken[c->from][c->to]) {
                relay_close(c);
            }
            polled[count++] = (struct pollfd){.fd = c->files[0], .events = POLLIN};
            polled[count++] = (struct pollfd){.fd = c->files[1], .events = POLLIN};
        }
        for (uint32_t from = 0; from < MEMBERS; from++) {
            for (uint32_t to = 0; to < from; to++) {
                polled[count++] = (struct pollfd){.fd = listeners[from][to], .events = POLLIN};
            }
        }
        if (poll(polled, count, 20) <= 0) {
            continue;
        }
        for (uint32_t at = 0; at < CONNECTIONS_MAX; at++) {
            for (int side = 0; side < 2; side++) {
                if (polled[2 * at + (uint32_t)side].revents != 0 && connections[at].files[0] >= 0) {
                    relay_move(&connections[at], side);
                }
            }
        }
        count = (nfds_t)(2 * CONNECTIONS_MAX);
        for (uint32_t from = 0; from < MEMBERS; from++) {
            for (uint32_t to = 0; to < from; to++) {
                if (polled[count++].revents != 0) {
                    relay_accept(connections, listeners[from][to], from, to);
                }
            }
        }
    }
}

/* ---- validators ---- */

static void home_of(uint32_t member, const char *net, char *to, size_t size) {
    (void)snprintf(to, size, "%s/%s/node%u", world_folder, net, member);
}

/* `fault`: of the program with fault hooks; NULL: the ordinary program. */
static void start_node(uint32_t member, const char *net, const char *fault) {
    char home[700], log[700], program[700];
    home_of(member, net, home, sizeof home);
    (void)snprintf(log, sizeof log, "%s/log%u", world_folder, member);
    (void)snprintf(program, sizeof program, "%s", getenv("SYNOD_BIN"));
    if (fault != NULL) {
        (void)snprintf(program, sizeof program, "%s/synod_faults", getenv("SYNOD_BUILD"));
    }
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        int file = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (fault != NULL) {
            (void)setenv("SYNOD_FAULT", fault, 1);
        }
        (void)dup2(file, 2);
        (void)execl(program, "synod", "node", "--home", home, (char *)NULL);
        _exit(127);
    }
    nodes[member] = pid;
}

static void end_node(uint32_t member, int number) {
    (void)kill(nodes[member], number);
    (void)waitpid(nodes[member], NULL, 0);
    nodes[member] = 0;
}

/* Its genesis.json, changed. */
static void edit_genesis(uint32_t member, const char *net, void (*edit)(genesis_t *, uint32_t)) {
    char path[800];
    genesis_t genesis;
    home_of(member, net, path, sizeof path - 20);
    (void)strcat(path, "/genesis.json");
    assert_int_equal(genesis_read(path, &genesis, &world_reason), SYNOD_OK);
    edit(&genesis, member);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(genesis_write(path, &genesis, &world_reason), SYNOD_OK);
    genesis_free(&genesis);
}

static void edit_addresses(genesis_t *genesis, uint32_t member) {
    for (uint32_t to = 0; to < member; to++) {
        genesis->members[to].address.port = (uint16_t)(RELAY_PORT + member * MEMBERS + to);
    }
}

static void edit_chain(genesis_t *genesis, uint32_t member) {
    (void)member;
    (void)snprintf(genesis->chain.text, sizeof genesis->chain.text, "elsewhere");
}

static void make_net(const char *name) {
    home_plan_t plan;
    home_plan_default(&plan);
    plan.port = FIRST_PORT;
    plan.settings.ping_interval_ms = 300;
    plan.settings.idle_timeout_ms = 30000;
    plan.settings.dial_max_ms = 100;
    assert_int_equal(testnet_create(world_path(name), MEMBERS, &plan, &world_reason), SYNOD_OK);
}

/* ---- the doctor ---- */

static cJSON *report;
static int code;

static const cJSON *examine(const char *more) {
    static char text[16384];
    char command[2000];
    cJSON_Delete(report);
    (void)snprintf(command, sizeof command,
                   "'%s' doctor --genesis '%s/genesis.json' --json --for 200ms %s",
                   getenv("SYNOD_BIN"), world_folder, more);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = fread(text, 1, sizeof text - 1, pipe);
    text[size] = '\0';
    int status = pclose(pipe);
    code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    report = cJSON_Parse(text);
    if (report == NULL) {
        fail_msg("the doctor said: %s", text);
    }
    return cJSON_GetObjectItemCaseSensitive(report, "findings");
}

/* Exactly one finding: of this member, that says this. */
static bool found(int member, const char *what, const char *evidence, const char *more) {
    const cJSON *all = examine(more);
    const cJSON *first = cJSON_GetArrayItem(all, 0);
    const cJSON *who = cJSON_GetObjectItemCaseSensitive(first, "member");
    const cJSON *says = cJSON_GetObjectItemCaseSensitive(first, "what");
    const cJSON *seen = cJSON_GetObjectItemCaseSensitive(first, "evidence");
    const cJSON *todo = cJSON_GetObjectItemCaseSensitive(first, "todo");
    return code == 1 && cJSON_GetArraySize(all) == 1 && cJSON_IsNumber(who) &&
           who->valueint == member && strstr(says->valuestring, what) != NULL &&
           strstr(seen->valuestring, evidence) != NULL && todo->valuestring[0] != '\0';
}

/* On a busy machine another member may be slow for a moment, and the doctor says so: he is asked
 * again. */
static void expect(int member, const char *what, const char *evidence, const char *more) {
    for (uint32_t tries = 0; tries < 3; tries++) {
        if (found(member, what, evidence, more)) {
            return;
        }
    }
    fail_msg("expected of %d: %s (%s); exit %d, said: %s", member, what, evidence, code,
             cJSON_Print(report));
}

static void expect_healthy(void) {
    uint32_t tries = 0;
    do {
        (void)examine("");
    } while (code != 0 && ++tries < 12);
    if (code != 0 || !cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(report, "healthy"))) {
        fail_msg("not healthy: %s", cJSON_Print(report));
    }
}

/* ---- set up ---- */

static int start(void **state) {
    char path[700], to[700];
    if (world_open(state) != 0) {
        return -1;
    }
    faults = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(faults != MAP_FAILED);
    make_net("net");
    make_net("other");
    (void)snprintf(path, sizeof path, "%s/net/node0/genesis.json", world_folder);
    (void)snprintf(to, sizeof to, "%s/genesis.json", world_folder);
    assert_int_equal(link(path, to), 0);
    for (uint32_t member = 0; member < MEMBERS; member++) {
        edit_genesis(member, "net", edit_addresses);
    }
    relays = fork();
    assert_true(relays >= 0);
    if (relays == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        relay_forever();
    }
    for (uint32_t member = 0; member < MEMBERS; member++) {
        start_node(member, "net", NULL);
    }
    return 0;
}

static int stop(void **state) {
    cJSON_Delete(report);
    for (uint32_t member = 0; member < MEMBERS; member++) {
        if (nodes[member] != 0) {
            end_node(member, SIGKILL);
        }
    }
    (void)kill(relays, SIGKILL);
    (void)waitpid(relays, NULL, 0);
    return world_close(state);
}

static int heal(void **state) {
    (void)state;
    memset((void *)(uintptr_t)faults, 0, sizeof *faults);
    if (toggler != 0) {
        (void)kill(toggler, SIGKILL);
        (void)waitpid(toggler, NULL, 0);
        (void)kill(nodes[1], SIGCONT);
        toggler = 0;
    }
    return 0;
}

/* ---- troubles ---- */

static void test_healthy(void **state) {
    (void)state;
    expect_healthy();
}

static void test_missing(void **state) {
    (void)state;
    expect_healthy();
    end_node(3, SIGKILL);
    expect(3, "is not running", "connection refused", "");
}

static void test_hanging(void **state) {
    (void)state;
    expect_healthy();
    (void)kill(nodes[2], SIGSTOP);
    pause_ms(1000);
    expect(2, "hangs or cannot be reached", "the others heard it", "");
    (void)kill(nodes[2], SIGCONT);
}

/* It runs now and then. */
static void test_slow_process(void **state) {
    (void)state;
    expect_healthy();
    toggler = fork();
    assert_true(toggler >= 0);
    if (toggler == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            (void)kill(nodes[1], SIGSTOP);
            pause_ms(900);
            (void)kill(nodes[1], SIGCONT);
            pause_ms(40);
        }
    }
    pause_ms(100);
    expect(1, "is slow", "the others usually take", "");
}

static void test_slow_disk(void **state) {
    (void)state;
    start_node(3, "net", "slow=120000");
    pause_ms(1500);
    expect(3, "the disk of member 3 is slow", "a sync takes", "");
    end_node(3, SIGKILL);
}

static void test_clock(void **state) {
    (void)state;
    expect_healthy();
    end_node(2, SIGTERM);
    start_node(2, "net", "clock=5000");
    pause_ms(700);
    expect(2, "the clock of member 2 is wrong", "5.0 s ahead", "");
    end_node(2, SIGTERM);
    start_node(2, "net", NULL);
}

static void test_partitioned_pair(void **state) {
    (void)state;
    expect_healthy();
    faults->broken[2][1] = true;
    pause_ms(200);
    expect(2, "members 1 and 2 do not reach each other", "both answer us", "");
}

static void test_isolated(void **state) {
    (void)state;
    expect_healthy();
    for (uint32_t to = 0; to < 3; to++) {
        faults->broken[3][to] = true;
    }
    pause_ms(200);
    expect(3, "member 3 is cut off", "no connection to 3 of 3", "");
}

static void test_one_way(void **state) {
    (void)state;
    expect_healthy();
    faults->deaf[1][3] = true;
    pause_ms(6300); /* of SILENT_MS; the last look is later */
    expect(3, "member 3 does not hear member 1", "nothing came from 1", "");
}

/* The keys and addresses of member 3, in a chain of another name. */
static void test_wrong_genesis(void **state) {
    (void)state;
    char command[2600];
    (void)snprintf(command, sizeof command,
                   "mkdir '%s/wrong' && cp -r '%s/net/node3' '%s/wrong/' && "
                   "truncate -s 0 '%s/wrong/node3/data/journal'",
                   world_folder, world_folder, world_folder, world_folder);
    assert_int_equal(system(command), 0);
    edit_genesis(3, "wrong", edit_chain);
    start_node(3, "wrong", NULL);
    pause_ms(500);
    expect(3, "runs with another genesis", "domain differs", "");
    end_node(3, SIGTERM);
}

static void test_wrong_key(void **state) {
    (void)state;
    start_node(3, "other", NULL);
    pause_ms(500);
    expect(3, "is somebody else", "not the one that is pinned", "");
    end_node(3, SIGTERM);
}

/* Homes that are here are looked at too: a member whose files do not fit cannot even run. */
static void test_wrong_files(void **state) {
    (void)state;
    char more[700], key[700], aside[700];
    (void)snprintf(more, sizeof more, "--home '%s/net'", world_folder);
    (void)snprintf(key, sizeof key, "%s/net/node3/node_key", world_folder);
    (void)snprintf(aside, sizeof aside, "%s/node_key", world_folder);
    assert_int_equal(rename(key, aside), 0);
    (void)snprintf(more + strlen(more), 200, " ");
    char other[700];
    (void)snprintf(other, sizeof other, "%s/other/node3/node_key", world_folder);
    assert_int_equal(link(other, key), 0);
    expect(3, "is misconfigured", "does not list the key", more);
    assert_int_equal(unlink(key), 0);
    assert_int_equal(rename(aside, key), 0);
    start_node(3, "net", NULL);
    expect_healthy();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, NULL, heal)

int main(void) {
    /* From test_missing on member 3 does not run, or not as it should, up to the end. */
    const struct CMUnitTest tests[] = {
        TEST(test_healthy),       TEST(test_hanging),   TEST(test_slow_process),
        TEST(test_clock),         TEST(test_isolated),  TEST(test_partitioned_pair),
        TEST(test_one_way),       TEST(test_missing),   TEST(test_slow_disk),
        TEST(test_wrong_genesis), TEST(test_wrong_key), TEST(test_wrong_files),
    };
    return cmocka_run_group_tests_name("doctor", tests, start, stop);
}
