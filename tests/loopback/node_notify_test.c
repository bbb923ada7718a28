/* What `synod node` tells a service manager (sd_notify(3)): READY=1 once it has recovered and
 * listens, WATCHDOG=1 in time, STOPPING=1 when asked to end; nothing when there is no manager. */
#include "../unit/adapter_world.h"

#include <signal.h>
#include <synod/client.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "adapter/home.h"

#define WATCHDOG_US "200000"
#define WATCHDOG_MS 200
#define PATIENCE_MS 30000

static int manager;
static uint16_t port;
static uint64_t heard_count;

static int setup(void **state) {
    if (world_open(state) != 0)
        return -1;
    home_plan_t plan;
    home_plan_default(&plan);
    port = plan.port = (uint16_t)(20000 + (uint32_t)getpid() * 7 % 10000);
    if (home_create(world_path("home"), &plan, &world_reason) != SYNOD_OK)
        return -1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", world_path("manager"));
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return bind(manager, (struct sockaddr *)&address, sizeof address);
}

static int teardown(void **state) {
    close(manager);
    return world_close(state);
}

static pid_t start(const char *name) {
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (name != NULL)
            setenv("NOTIFY_SOCKET", name, 1);
        setenv("WATCHDOG_USEC", WATCHDOG_US, 1);
        unsetenv("WATCHDOG_PID");
        execl(getenv("SYNOD_BIN"), "synod", "node", "--home", world_path("home"), (char *)NULL);
        _exit(127);
    }
    return child;
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The next thing said, with a newline before and behind it. */
static const char *heard(void) {
    static char text[512];
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    (void)setsockopt(manager, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ssize_t size = recv(manager, text + 1, sizeof text - 3, 0);
    assert_true(size > 0);
    heard_count++;
    text[0] = '\n';
    text[size + 1] = '\n';
    text[size + 2] = '\0';
    return text;
}

static void ended_well(pid_t child) {
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void told(void **state) {
    (void)state;
    uint64_t begin = now_ms();
    heard_count = 0;
    pid_t child = start(world_path("manager"));
    const char *text = heard();
    for (int ticks = 0; strstr(text, "\nREADY=1\n") == NULL; ticks++) {
        assert_true(ticks < 200);
        assert_non_null(strstr(text, "\nEXTEND_TIMEOUT_USEC="));
        text = heard();
    }
    assert_non_null(strstr(text, "\nSTATUS=member 0 of the 1 of chain synod\n"));
    /* Ready means: whoever asks now is answered. */
    char genesis[512], reason[256];
    (void)snprintf(genesis, sizeof genesis, "%s", world_path("home/genesis.json"));
    const synod_client_options options = {.size_bytes = sizeof options, .genesis_path = genesis};
    synod_client *client;
    assert_int_equal(synod_client_open(&options, &client, reason, sizeof reason), SYNOD_OK);
    uint8_t report[1024];
    size_t size = 0;
    assert_int_equal(synod_client_member_status(client, 0, report, sizeof report, &size,
                                                PATIENCE_MS * UINT64_C(1000000)),
                     SYNOD_OK);
    synod_client_close(client);
    for (int i = 0; i < 4; i++)
        assert_string_equal(heard(), "\nWATCHDOG=1\n");
    /* Twice in what is allowed, and no flood, whenever this process gets round to listening. */
    assert_true(heard_count <= (now_ms() - begin) / (WATCHDOG_MS / 2) + 3);
    kill(child, SIGTERM);
    do {
        text = heard();
    } while (strcmp(text, "\nWATCHDOG=1\n") == 0);
    assert_string_equal(text, "\nSTOPPING=1\n");
    ended_well(child);
}

/* Names that lead nowhere do no harm. */
static void nobody_listens(void **state) {
    (void)state;
    static const char *const names[] = {NULL, "", "relative", "/nowhere/at/all", "@nobody.synod"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        pid_t child = start(names[i]);
        nanosleep(&(struct timespec){0, 300000000}, NULL);
        kill(child, SIGTERM);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        /* A signal before its handler is there ends it too. */
        assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                    (WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(told), cmocka_unit_test(nobody_listens)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
