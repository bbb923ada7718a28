/* synod status --watch: in place on a terminal, which is as it was after Ctrl-C; lines and JSON
 * elsewhere. */
#include "../unit/adapter_world.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>

#include "adapter/home.h"

#define FIRST_PORT 8470

static pid_t cluster;
static char net[600];
static char shown[1 << 18];

static int start(void **state) {
    home_plan_t plan;
    if (world_open(state) != 0) {
        return -1;
    }
    home_plan_default(&plan);
    plan.port = FIRST_PORT;
    (void)snprintf(net, sizeof net, "%s/net", world_folder);
    assert_int_equal(testnet_create(net, 4, &plan, &world_reason), SYNOD_OK);
    cluster = fork();
    assert_true(cluster >= 0);
    if (cluster == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (freopen("/dev/null", "w", stdout) == NULL) {
            _exit(126);
        }
        (void)execl(getenv("SYNOD_BIN"), "synod", "up", "--home", net, (char *)NULL);
        _exit(127);
    }
    return 0;
}

static int stop(void **state) {
    (void)kill(cluster, SIGTERM);
    (void)waitpid(cluster, NULL, 0);
    return world_close(state);
}

/* What it says until `text` came `times` times; false after ten seconds or when it has ended. */
static bool read_until(int terminal, const char *text, uint32_t times) {
    size_t size = strlen(shown);
    for (uint32_t tries = 0; tries < 1000; tries++) {
        struct pollfd polled = {.fd = terminal, .events = POLLIN};
        if (poll(&polled, 1, 10) > 0) {
            ssize_t got = read(terminal, shown + size, sizeof shown - 1 - size);
            if (got <= 0) {
                return false;
            }
            size += (size_t)got;
            shown[size] = '\0';
        }
        uint32_t count = 0;
        for (const char *at = strstr(shown, text); at != NULL; at = strstr(at + 1, text)) {
            count++;
        }
        if (count >= times) {
            return true;
        }
    }
    return false;
}

#define REDRAWN "\033[H"

static void test_terminal(void **state) {
    (void)state;
    int terminal = -1, code = 0;
    struct termios before, after;
    shown[0] = '\0';
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    if (pid < 0 && (errno == ENOENT || errno == ENODEV)) {
        print_message("no terminals on this machine: /dev/pts is not mounted\n");
        skip();
    }
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execl(getenv("SYNOD_BIN"), "synod", "status", "--home", net, "--watch", "--interval",
                    "100ms", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(tcgetattr(terminal, &before), 0);
    assert_true(read_until(terminal, "4 of 4 validators answer", 2));
    assert_true(read_until(terminal, REDRAWN, 4));
    assert_non_null(strstr(shown, "\033[?1049h\033[?25l"));
    assert_null(strstr(shown, "\033[2J")); /* the whole screen blank: that would flicker */
    shown[0] = '\0';
    assert_int_equal(write(terminal, "\003", 1), 1);
    assert_true(read_until(terminal, "\033[?25h\033[?1049l", 1));
    (void)read_until(terminal, "no such text", 1);
    assert_non_null(strstr(strstr(shown, "\033[?1049l"), "4 of 4 validators answer"));
    assert_int_equal(tcgetattr(terminal, &after), 0);
    assert_int_equal(after.c_lflag, before.c_lflag);
    assert_int_equal(waitpid(pid, &code, 0), pid);
    assert_true(WIFEXITED(code) && WEXITSTATUS(code) == 0);
    (void)close(terminal);
}

static const char *output_of(const char *options) {
    char command[1500];
    (void)snprintf(command, sizeof command,
                   "'%s' status --home '%s' --watch --interval 100ms --rounds 3 %s",
                   getenv("SYNOD_BIN"), net, options);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    shown[fread(shown, 1, sizeof shown - 1, pipe)] = '\0';
    assert_int_equal(pclose(pipe), 0);
    return shown;
}

static void test_lines(void **state) {
    (void)state;
    uint32_t lines = 0;
    for (const char *at = output_of(""); *at != '\0'; at++) {
        lines += *at == '\n' ? 1 : 0;
        assert_true(*at != '\033');
    }
    assert_int_equal(lines, 3 * 6);
}

static void test_json(void **state) {
    (void)state;
    char *line = (char *)(uintptr_t)output_of("--json"), *rest = NULL;
    uint32_t lines = 0;
    for (line = strtok_r(line, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        cJSON *json = cJSON_Parse(line);
        assert_int_equal(cJSON_GetArraySize(json), 4);
        cJSON_Delete(json);
        lines++;
    }
    assert_int_equal(lines, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests_name("watch", tests, start, stop);
}
