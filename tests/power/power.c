/* Power cuts on real validators under load: cut, restart, wait until they serve and are level
 * again, judge, and once more, at moments that follow from a seed. docs/guide/power.md says what is
 * shown.
 *
 * Exit code 0: nothing was violated; 1: something was, and the line "VIOLATED" says what; 2: wrong
 * usage; 3: the cluster could not be set up. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "adapter/home.h"
#include "base/prng.h"
#include "cli/connect.h"
#include "crypto/sign.h"
#include "tests/power/load.h"
#include "tests/power/promises.h"
#include "tests/power/storage.h"

#define MS UINT64_C(1000000)
/* The mean pause between the operations of a track: up to 8,000 operations a second. */
#define TRACK_INTERVAL_NS (6 * MS)
/* Load before a cut, and the dark after it. */
#define LOAD_LEAST_MS 150
#define LOAD_MOST_MS 900
#define DARK_MOST_MS 500
#define SEGMENTS_MAX 20
#define ENVIRONMENT_MAX 256

typedef struct power {
    /* asked for */
    uint32_t n, victims, cuts;
    uint64_t seed;
    uint32_t port;
    uint32_t patience_s; /* all must serve and be level again within this */
    const char *program, *shim, *fault;
    storage_method_t method;
    bool hooks, json;
    /* the run */
    char folder[256];
    storage_t storage;
    prng_t prng;
    pid_t processes[STORAGE_MAX]; /* 0: not running */
    load_t load;
    promises_t promises;
    uint32_t done; /* cuts */
    uint64_t open_at_cut, slowest_service_ns, slowest_level_ns, started_ns;
} power_t;

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
    interrupted = number;
}

static void pause_ms(long milliseconds) {
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static double seconds(uint64_t ns) {
    return (double)ns / 1e9;
}

static bool fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "power: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    return false;
}

/* ---- processes ---- */

extern char **environ;

/* What this process has, without what would be doubled, and what the validator needs. */
static void fill_environment(const power_t *power, uint32_t index, char texts[4][2 * STORAGE_PATH],
                             char *to[ENVIRONMENT_MAX]) {
    uint32_t count = 0;
    char storage[2][STORAGE_PATH + 64], promises[STORAGE_PATH];
    const char *asan = getenv("ASAN_OPTIONS");
    storage_environment(&power->storage, index, storage);
    promises_path(&power->storage, index, promises, sizeof promises);
    snprintf(texts[0], sizeof texts[0], "%s", storage[0]);
    snprintf(texts[1], sizeof texts[1], "%s", storage[1]);
    snprintf(texts[2], sizeof texts[2], "ASAN_OPTIONS=%.500s%sverify_asan_link_order=0",
             asan == NULL ? "" : asan, asan == NULL ? "" : ":");
    snprintf(texts[3], sizeof texts[3], "SYNOD_FAULT=%s,promises=%s",
             power->fault == NULL ? "" : power->fault, promises);
    for (char **one = environ; *one != NULL && count < ENVIRONMENT_MAX - 5; one++)
        if (strncmp(*one, "ASAN_OPTIONS=", 13) != 0 && strncmp(*one, "LD_PRELOAD=", 11) != 0)
            to[count++] = *one;
    for (uint32_t i = 0; i < 3; i++)
        if (texts[i][0] != '\0')
            to[count++] = texts[i];
    if (power->hooks)
        to[count++] = texts[3];
    to[count] = NULL;
}

static bool start(power_t *power, uint32_t index) {
    char home[STORAGE_PATH], log[STORAGE_PATH], name[32], texts[4][2 * STORAGE_PATH];
    char *environment[ENVIRONMENT_MAX];
    storage_path(&power->storage, index, "home", home, sizeof home);
    snprintf(name, sizeof name, "log%u", index);
    storage_beside(&power->storage, name, log, sizeof log);
    fill_environment(power, index, texts, environment);
    char *words[] = {"synod", "node", "--home", home, NULL};
    pid_t parent = getpid(), child = fork();
    if (child == 0) { /* only what is safe after fork */
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* no validator outlives this process */
        if (out < 0 || getppid() != parent || dup2(out, 1) < 0 || dup2(out, 2) < 0)
            _exit(126);
        setpgid(0, 0);
        execve(power->program, words, environment);
        _exit(127);
    }
    power->processes[index] = child > 0 ? child : 0;
    return child > 0 || fail("validator %u cannot be started: %s", index, strerror(errno));
}

static void reap(power_t *power, uint32_t index) {
    while (power->processes[index] != 0 && waitpid(power->processes[index], NULL, 0) < 0 &&
           errno == EINTR) {
    }
    power->processes[index] = 0;
}

static void print_log(const power_t *power, uint32_t index) {
    char name[32], log[STORAGE_PATH], line[1024];
    snprintf(name, sizeof name, "log%u", index);
    storage_beside(&power->storage, name, log, sizeof log);
    FILE *file = fopen(log, "r");
    if (file == NULL)
        return;
    if (fseek(file, -2000, SEEK_END) == 0 && fgets(line, sizeof line, file) == NULL)
        line[0] = '\0';
    while (fgets(line, sizeof line, file) != NULL)
        printf("  validator %u | %s", index, line);
    fclose(file);
}

/* A validator that ended although its power was on. */
static void watch(power_t *power) {
    for (uint32_t i = 0; i < power->n; i++) {
        int status = 0;
        if (power->processes[i] == 0 || waitpid(power->processes[i], &status, WNOHANG) <= 0)
            continue;
        power->processes[i] = 0;
        pthread_mutex_lock(&power->load.mutex);
        load_violate(&power->load, "validator %u ended by itself, %s %d", i,
                     WIFSIGNALED(status) ? "signal" : "exit code",
                     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        pthread_mutex_unlock(&power->load.mutex);
        print_log(power, i);
    }
}

static bool violated(power_t *power) {
    char why[sizeof power->load.reason];
    watch(power);
    bool kept = !power->hooks || promises_judge(&power->promises, &power->storage, why, sizeof why);
    pthread_mutex_lock(&power->load.mutex);
    if (!kept)
        load_violate(&power->load, "%s", why);
    bool result = power->load.violated;
    pthread_mutex_unlock(&power->load.mutex);
    return result;
}

static bool give_up(power_t *power, const char *what) {
    pthread_mutex_lock(&power->load.mutex);
    load_violate(&power->load, "%s", what);
    pthread_mutex_unlock(&power->load.mutex);
    return false;
}

/* Nobody serves: does everybody run, and stand below what was acknowledged? */
static bool give_up_service(power_t *power) {
    char heights[256] = "", text[400];
    bool all_below = true;
    for (uint32_t i = 0; i < power->n; i++) {
        status_report_t report = {0};
        bool answers = connect_status(power->load.clients[0], i, 1000 * MS, &report);
        all_below = all_below && answers && report.executed < power->load.height;
        snprintf(heights + strlen(heights), sizeof heights - strlen(heights), " %" PRIu64,
                 report.executed);
    }
    snprintf(text, sizeof text,
             "%s; validators executed up to heights%s, acknowledged was %" PRIu64,
             all_below ? "what was acknowledged is lost" : "the validators do not serve again",
             heights, power->load.height);
    return give_up(power, text);
}

/* ---- set up ---- */

static bool make_homes(power_t *power) {
    char made[STORAGE_PATH], to[STORAGE_PATH];
    home_plan_t plan;
    reason_t reason;
    storage_beside(&power->storage, "made", made, sizeof made);
    home_plan_default(&plan);
    plan.port = (uint16_t)power->port;
    plan.settings.journal_segments = SEGMENTS_MAX;
    if (testnet_create(made, power->n, &plan, &reason) != SYNOD_OK)
        return fail("%s", reason.text);
    for (uint32_t i = 0; i < power->n; i++) {
        char from[STORAGE_PATH + 32];
        snprintf(from, sizeof from, "%s/node%u", made, i);
        storage_path(&power->storage, i, "home", to, sizeof to);
        const char *const words[] = {"cp", "-a", from, to, NULL};
        if (!run_program(words))
            return fail("%s cannot be copied to %s", from, to);
        if (!storage_sync(&power->storage, i))
            return fail("%s", power->storage.why);
    }
    return true;
}

static bool set_up(power_t *power) {
    char genesis[STORAGE_PATH], why[768];
    const char *base = getenv("TMPDIR");
    snprintf(power->folder, sizeof power->folder, "%.200s/synod-power-XXXXXX",
             base == NULL || base[0] == '\0' ? "/tmp" : base);
    if (mkdtemp(power->folder) == NULL)
        return fail("no folder can be made at %s", power->folder);
    if (!storage_open(&power->storage, power->method, power->folder, power->shim, power->n))
        return fail("%s", power->storage.why);
    if (power->storage.method == STORAGE_LOOP)
        printf("power: storage: ext4 on loop devices, shut down without a flush of their log\n");
    else
        printf("power: storage: folders whose unsynced writes are undone (%s)\n",
               power->storage.why[0] == '\0' ? "as asked" : power->storage.why);
    if (!make_homes(power))
        return false;
    storage_beside(&power->storage, "made/node0/genesis.json", genesis, sizeof genesis);
    if (!load_open(&power->load, genesis, TRACK_INTERVAL_NS, why, sizeof why))
        return fail("%s", why);
    for (uint32_t i = 0; i < power->n; i++)
        if (!start(power, i))
            return false;
    return true;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where) {
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static void tear_down(power_t *power, bool keep_logs) {
    load_close(&power->load);
    for (uint32_t i = 0; i < power->n; i++)
        if (power->processes[i] != 0) {
            kill(power->processes[i], SIGKILL);
            reap(power, i);
        }
    storage_close(&power->storage);
    promises_free(&power->promises);
    if (keep_logs)
        printf("power: logs are in %s\n", power->folder);
    else
        nftw(power->folder, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* ---- one cut ---- */

/* Load for so long; false: violated or interrupted. */
static bool serve_for(power_t *power, uint64_t duration_ns) {
    uint64_t end = monotonic_ns() + duration_ns;
    while (monotonic_ns() < end) {
        load_serve(&power->load);
        pause_ms(1);
    }
    return interrupted == 0 && !violated(power);
}

/* Every track was answered something that was asked for after `since`. */
static bool serve_until_back(power_t *power, uint64_t since_ns) {
    uint64_t end = monotonic_ns() + power->patience_s * (1000 * MS), first = 0;
    while (load_served_since(&power->load, since_ns) < LOAD_TRACKS) {
        if (first == 0 && load_served_since(&power->load, since_ns) > 0)
            first = monotonic_ns();
        if (interrupted != 0 || violated(power))
            return false;
        if (monotonic_ns() > end)
            return give_up_service(power);
        load_serve(&power->load);
        pause_ms(1);
    }
    uint64_t took = (first == 0 ? monotonic_ns() : first) - since_ns;
    power->slowest_service_ns = took > power->slowest_service_ns ? took : power->slowest_service_ns;
    return true;
}

static bool settle(power_t *power) {
    uint64_t end = monotonic_ns() + power->patience_s * (1000 * MS);
    while (load_open_tracks(&power->load) > 0) {
        if (interrupted != 0 || violated(power))
            return false;
        if (monotonic_ns() > end)
            return give_up(power, "an operation with an unknown outcome is never settled");
        pause_ms(1);
    }
    return true;
}

/* All executed the same height, and their roots of it are equal. */
static bool are_level(power_t *power) {
    status_report_t first = {0}, report;
    for (uint32_t i = 0; i < power->n; i++) {
        if (!connect_status(power->load.clients[0], i, 500 * MS, &report) || report.executed == 0 ||
            report.root_height != report.executed)
            return false;
        if (i == 0)
            first = report;
        else if (report.executed != first.executed)
            return false;
        else if (!digest_equal(&report.root, &first.root)) {
            char text[128];
            snprintf(text, sizeof text,
                     "at height %" PRIu64 " validator %u has another state root "
                     "than validator 0",
                     report.executed, i);
            return give_up(power, text);
        }
    }
    return true;
}

static bool wait_level(power_t *power, uint64_t since_ns) {
    uint64_t end = monotonic_ns() + power->patience_s * (1000 * MS);
    while (!are_level(power)) {
        if (interrupted != 0 || violated(power))
            return false;
        if (monotonic_ns() > end)
            return give_up(power, "the validators do not come to one height");
        pause_ms(20);
    }
    uint64_t took = monotonic_ns() - since_ns;
    power->slowest_level_ns = took > power->slowest_level_ns ? took : power->slowest_level_ns;
    return true;
}

static void choose_victims(power_t *power, bool chosen[STORAGE_MAX]) {
    for (uint32_t left = power->victims; left > 0;) {
        uint32_t i = (uint32_t)prng_below(&power->prng, power->n);
        left -= !chosen[i];
        chosen[i] = true;
    }
}

/* The storage first: nothing that a process does from then on survives. */
static bool cut(power_t *power, const bool chosen[STORAGE_MAX]) {
    bool good = true;
    power->open_at_cut += load_open_tracks(&power->load);
    for (uint32_t i = 0; i < power->n; i++)
        if (chosen[i] && !storage_cut(&power->storage, i))
            good = fail("%s", power->storage.why);
    for (uint32_t i = 0; i < power->n; i++)
        if (chosen[i] && power->processes[i] != 0)
            kill(power->processes[i], SIGKILL);
    for (uint32_t i = 0; i < power->n; i++)
        if (chosen[i])
            reap(power, i);
    return good;
}

static bool restore(power_t *power, const bool chosen[STORAGE_MAX]) {
    for (uint32_t i = 0; i < power->n; i++)
        if (chosen[i] && !storage_restore(&power->storage, i, prng_next(&power->prng)))
            return fail("%s", power->storage.why);
    for (uint32_t i = 0; i < power->n; i++)
        if (chosen[i] && !start(power, i))
            return false;
    return true;
}

static bool cut_once(power_t *power) {
    bool chosen[STORAGE_MAX] = {false}, last = power->done + 1 == power->cuts;
    char names[64] = "";
    choose_victims(power, chosen);
    for (uint32_t i = 0; i < power->n; i++)
        if (chosen[i])
            snprintf(names + strlen(names), sizeof names - strlen(names), " %u", i);
    if (!serve_for(power, prng_between(&power->prng, LOAD_LEAST_MS, LOAD_MOST_MS) * MS))
        return false;
    uint32_t open = load_open_tracks(&power->load);
    uint64_t cut_ns = monotonic_ns();
    if (!cut(power, chosen) || !serve_for(power, prng_between(&power->prng, 0, DARK_MOST_MS) * MS))
        return false;
    uint64_t restart_ns = monotonic_ns();
    if (!restore(power, chosen) ||
        !serve_until_back(power, power->victims == power->n ? restart_ns : cut_ns) ||
        !settle(power) || !wait_level(power, restart_ns))
        return false;
    load_judge(&power->load, last || power->done % 20 == 19);
    if (violated(power))
        return false;
    power->done++;
    printf("power: cut %u of %u: validators%s, %u operations under way; level again after %.2f s; "
           "%" PRIu64 " acknowledged, %" PRIu64 " of %" PRIu64 " unknown settled\n",
           power->done, power->cuts, names, open, seconds(monotonic_ns() - restart_ns),
           power->load.acknowledged, power->load.settled, power->load.unknown);
    fflush(stdout);
    return true;
}

/* ---- the whole ---- */

static void conclude(power_t *power) {
    const load_t *load = &power->load;
    const char *method = power->storage.method == STORAGE_LOOP ? "loop" : "undo";
    double took = seconds(monotonic_ns() - power->started_ns);
    if (load->violated)
        printf("power: VIOLATED after %u cuts: %s\n", power->done, load->reason);
    printf("power: n=%u victims=%u seed=%" PRIu64 " storage=%s: %u cuts, %" PRIu64
           " operations acknowledged, %" PRIu64 " unknown (%" PRIu64 " settled), %" PRIu64
           " promises compared, %s; slowest: served again after %.2f s, level after %.2f s; %.0f "
           "s in all\n",
           power->n, power->victims, power->seed, method, power->done, load->acknowledged,
           load->unknown, load->settled, power->promises.seen,
           load->violated ? "VIOLATED" : "none lost, none twice, roots equal after each",
           seconds(power->slowest_service_ns), seconds(power->slowest_level_ns), took);
    if (power->json)
        printf("{\"n\":%u,\"victims\":%u,\"seed\":%" PRIu64 ",\"storage\":\"%s\",\"cuts\":%u,"
               "\"cuts_wanted\":%u,\"acknowledged\":%" PRIu64 ",\"unknown\":%" PRIu64
               ",\"settled\":%" PRIu64 ",\"open_at_cuts\":%" PRIu64 ",\"promises\":%" PRIu64
               ",\"sectors_lost\":%" PRIu64 ",\"slowest_service_s\":%.3f,\"slowest_level_s\":%.3f,"
               "\"seconds\":%.1f,\"violated\":%s}\n",
               power->n, power->victims, power->seed, method, power->done, power->cuts,
               load->acknowledged, load->unknown, load->settled, power->open_at_cut,
               power->promises.seen, power->storage.sectors_lost,
               seconds(power->slowest_service_ns), seconds(power->slowest_level_ns), took,
               load->violated ? "true" : "false");
    fflush(stdout);
}

static int run(power_t *power) {
    int code = 3;
    power->prng = prng_of(power->seed);
    power->started_ns = monotonic_ns();
    if (set_up(power) && serve_until_back(power, monotonic_ns())) {
        power->slowest_service_ns = 0; /* that was the start */
        while (power->done < power->cuts && cut_once(power)) {
        }
        code = power->done == power->cuts ? 0 : 3;
    }
    code = power->load.violated ? 1 : code;
    if (interrupted != 0)
        printf("power: interrupted\n");
    conclude(power);
    tear_down(power, code == 1);
    return code;
}

static int usage(void) {
    fprintf(stderr, "usage: power --program SYNOD --shim LIBRARY [--n 4] [--victims 1] [--cuts 5]\n"
                    "             [--seed 1] [--port 7860] [--storage any|loop|undo] [--hooks]\n"
                    "             [--fault unsynced|early] [--patience 60] [--json]\n");
    return 2;
}

static bool parse_number(const char *text, uint64_t most, uint64_t *to) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *to = value;
    return errno == 0 && end != text && *end == '\0' && value <= most;
}

static bool parse_option(power_t *power, const char *name, const char *value) {
    static const char *const methods[] = {"any", "loop", "undo"};
    uint64_t number = 0;
    if (strcmp(name, "--program") == 0)
        return (power->program = value) != NULL;
    if (strcmp(name, "--shim") == 0)
        return (power->shim = value) != NULL;
    if (strcmp(name, "--fault") == 0)
        return (power->fault = value) != NULL;
    for (uint32_t i = 0; strcmp(name, "--storage") == 0 && i < 3; i++)
        if (strcmp(value, methods[i]) == 0) {
            power->method = (storage_method_t)i;
            return true;
        }
    if (!parse_number(value, UINT64_MAX, &number))
        return false;
    if (strcmp(name, "--seed") == 0) {
        power->seed = number;
        return true;
    }
    uint32_t *to = strcmp(name, "--n") == 0          ? &power->n
                   : strcmp(name, "--victims") == 0  ? &power->victims
                   : strcmp(name, "--cuts") == 0     ? &power->cuts
                   : strcmp(name, "--port") == 0     ? &power->port
                   : strcmp(name, "--patience") == 0 ? &power->patience_s
                                                     : NULL;
    if (to == NULL || number > 1000000)
        return false;
    *to = (uint32_t)number;
    return true;
}

int main(int argc, char **argv) {
    static power_t power = {
        .n = 4, .victims = 1, .cuts = 5, .seed = 1, .port = 7860, .patience_s = 60};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            power.json = true;
        else if (strcmp(argv[i], "--hooks") == 0)
            power.hooks = true;
        else if (i + 1 == argc || !parse_option(&power, argv[i], argv[i + 1]))
            return usage();
        else
            i++;
    }
    if (power.program == NULL || power.shim == NULL || power.n < 4 || power.n > STORAGE_MAX ||
        power.victims < 1 || power.victims > power.n || power.cuts < 1 || power.port < 1 ||
        power.port > 65000 || power.patience_s < 1 || (power.fault != NULL && !power.hooks) ||
        !sign_open())
        return usage();
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
    return run(&power);
}
