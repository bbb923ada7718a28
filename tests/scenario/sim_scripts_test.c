/* Plays every script of tests/scenario: each must end well, twice in the same way. Also what a
 * script must not do: fail silently, run for ever, or depend on the order of a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/script.h"
#include "sim/sim_cli.h"

static const char *folder(void) {
    static char path[512];
    const char *source = getenv("SYNOD_SOURCE");
    snprintf(path, sizeof path, "%s/tests/scenario", source == NULL ? SYNOD_SOURCE_DIR : source);
    return path;
}

static bool is_script(const char *name) {
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".lua") == 0 &&
           (length < 9 || strcmp(name + length - 9, "_test.lua") != 0);
}

static void every_script_ends_well(void **state) {
    (void)state;
    DIR *directory = opendir(folder());
    assert_non_null(directory);
    int played = 0;
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        char path[1024], error[SCRIPT_ERROR_MAX] = "";
        if (!is_script(entry->d_name))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder(), entry->d_name);
        world_report_t first, second;
        bool ran = script_run(path, NULL, NULL, &first, error, sizeof error) &&
                   script_run(path, NULL, NULL, &second, error, sizeof error);
        if (!ran || first.violated != VIOLATION_NONE)
            print_message("%s: %s%s\n", entry->d_name, error, ran ? first.text : "");
        assert_true(ran);
        assert_int_equal(first.violated, VIOLATION_NONE);
        assert_true(first.hash == second.hash);
        played++;
    }
    closedir(directory);
    assert_true(played >= 5);
}

/* Writes a script, plays it, and gives back what script_run said. */
static bool play(const char *text, world_report_t *report, char error[SCRIPT_ERROR_MAX]) {
    char path[] = "/tmp/synod_script_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
    memset(report, 0, sizeof *report);
    error[0] = '\0';
    bool ran = script_run(path, NULL, NULL, report, error, SCRIPT_ERROR_MAX);
    unlink(path);
    return ran;
}

static void mistakes_are_told(void **state) {
    (void)state;
    static const struct {
        const char *text, *told;
    } mistakes[] = {
        {"nonsense(", "unexpected symbol"},
        {"wait(5)", "open a cluster first"},
        {"cluster{members = 4} crash(4)", "out of range"},
        {"cluster{members = 4} crash('x')", "number expected"},
        {"cluster{members = 4} for k in pairs({[{}] = 1}) do end", "has no order"},
        {"cluster{members = 4} while true do end", "does not come to an end"},
        {"cluster{members = 4} math.random()", "nil value"},
        {"cluster{members = 4} os.time()", "nil value"},
        {"cluster{members = 4, liars = {[1] = 'lazy'}}", "no such lie"},
        {"cluster{members = 129}", "members"},
        {"cluster{members = 4} answer(0, 0)", "out of range"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        world_report_t report;
        char error[SCRIPT_ERROR_MAX];
        assert_false(play(mistakes[i].text, &report, error));
        if (strstr(error, mistakes[i].told) == NULL)
            print_message("'%s' is told as '%s'\n", mistakes[i].text, error);
        assert_non_null(strstr(error, mistakes[i].told));
    }
}

static void expectations_that_fail_are_violations(void **state) {
    (void)state;
    world_report_t report;
    char error[SCRIPT_ERROR_MAX];
    assert_true(play("cluster{members = 4}\nexpect(1 == 2, 'sums')", &report, error));
    assert_int_equal(report.violated, VIOLATION_SCRIPT);
    assert_non_null(strstr(report.text, ":2: sums"));
}

static void tables_are_walked_in_order(void **state) {
    (void)state;
    world_report_t report;
    char error[SCRIPT_ERROR_MAX];
    assert_true(play("cluster{members = 4}\n"
                     "local t, seen = {}, ''\n"
                     "for _, k in ordered({'delta', 'alpha', 'charlie', 'bravo'}) do t[k] = 1 end\n"
                     "t[2], t[10] = 1, 1\n"
                     "for k in pairs(t) do seen = seen .. k .. ' ' end\n"
                     "expect(seen == '2 10 alpha bravo charlie delta ', seen)",
                     &report, error));
    assert_int_equal(report.violated, VIOLATION_NONE);
}

static int run_verb(int (*verb)(int, char **), char *a, char *b, char *c) {
    char name[] = "verb";
    char *argv[] = {name, a, b, c, NULL};
    int argc = 1 + (a != NULL) + (b != NULL) + (c != NULL);
    return verb(argc, argv);
}

static void verbs_have_exit_codes(void **state) {
    (void)state;
    char seed[] = "--seed", one[] = "1", quiet[] = "--quiet", help[] = "--help", bad[] = "--sed";
    char seeds[] = "--seeds", three[] = "3", json[] = "--json", missing[] = "/nowhere.lua";
    char word[] = "many";
    assert_int_equal(run_verb(sim_cli_run, seed, one, quiet), 0);
    assert_int_equal(run_verb(sim_cli_run, help, NULL, NULL), 0);
    assert_int_equal(run_verb(sim_cli_run, NULL, NULL, NULL), 2);
    assert_int_equal(run_verb(sim_cli_run, bad, one, NULL), 2);
    assert_int_equal(run_verb(sim_cli_run, seed, NULL, NULL), 2);
    assert_int_equal(run_verb(sim_cli_run, missing, NULL, NULL), 1);
    assert_int_equal(run_verb(sim_cli_sweep, seeds, three, json), 0);
    assert_int_equal(run_verb(sim_cli_sweep, seeds, word, NULL), 2);
    assert_int_equal(run_verb(sim_cli_sweep, help, NULL, NULL), 0);
    assert_int_equal(run_verb(sim_cli_sweep, word, NULL, NULL), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_script_ends_well),
        cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(expectations_that_fail_are_violations),
        cmocka_unit_test(tables_are_walked_in_order),
        cmocka_unit_test(verbs_have_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
