/* See cluster.h. */
#include "cli/cluster.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void cluster_open(cluster_t *cluster, const char *folder, uint32_t size) {
    memset(cluster, 0, sizeof *cluster);
    snprintf(cluster->folder, sizeof cluster->folder, "%s", folder);
    cluster->size = size;
}

void cluster_path(const cluster_t *cluster, uint32_t index, const char *name, char *to,
                  size_t to_size) {
    snprintf(to, to_size, "%s/node%u%s%s", cluster->folder, index, name[0] == '\0' ? "" : "/",
             name);
}

/* In the child: only calls that are safe after fork. */
static void become_node(const char *home, const char *log, pid_t parent) {
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* no validator outlives who started it */
    if (out < 0 || in < 0 || getppid() != parent || dup2(in, 0) < 0 || dup2(out, 1) < 0 ||
        dup2(out, 2) < 0)
        _exit(126);
    setpgid(0, 0); /* an interrupt at the terminal is the parent's to handle */
    execl("/proc/self/exe", "synod", "node", "--home", home, (char *)NULL);
    _exit(127);
}

bool cluster_start(cluster_t *cluster, uint32_t index) {
    char home[4096], log[4096];
    cluster_path(cluster, index, "", home, sizeof home);
    cluster_path(cluster, index, "log", log, sizeof log);
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        return false;
    if (child == 0)
        become_node(home, log, parent);
    cluster->processes[index] = child;
    return true;
}

void cluster_kill(cluster_t *cluster, uint32_t index) {
    pid_t process = cluster->processes[index];
    if (process == 0)
        return;
    kill(process, SIGKILL);
    while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {
    }
    cluster->processes[index] = 0;
}

static void pause_ms(long milliseconds) {
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

uint32_t cluster_stop(cluster_t *cluster, uint32_t patience_ms) {
    uint32_t killed = 0;
    for (uint32_t i = 0; i < cluster->size; i++)
        if (cluster->processes[i] != 0)
            kill(cluster->processes[i], SIGTERM);
    for (uint32_t waited = 0; waited <= patience_ms; waited += 10) {
        uint32_t running = 0;
        for (uint32_t i = 0; i < cluster->size; i++) {
            if (cluster->processes[i] != 0 && waitpid(cluster->processes[i], NULL, WNOHANG) != 0)
                cluster->processes[i] = 0;
            running += cluster->processes[i] != 0;
        }
        if (running == 0)
            return 0;
        pause_ms(10);
    }
    for (uint32_t i = 0; i < cluster->size; i++) {
        killed += cluster->processes[i] != 0;
        cluster_kill(cluster, i);
    }
    return killed;
}

/* The last line of a log that says something. */
static void last_line(const char *path, char *to, size_t to_size) {
    char tail[2048];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    off_t end = lseek(file, 0, SEEK_END);
    off_t from = end > (off_t)sizeof tail - 1 ? end - (off_t)sizeof tail + 1 : 0;
    ssize_t got = pread(file, tail, sizeof tail - 1, from);
    close(file);
    if (got <= 0)
        return;
    tail[got] = '\0';
    while (got > 0 && tail[got - 1] == '\n')
        tail[--got] = '\0';
    const char *line = strrchr(tail, '\n');
    snprintf(to, to_size, "%.*s", (int)to_size - 1, line == NULL ? tail : line + 1);
}

int cluster_check(cluster_t *cluster, char *reason, size_t reason_size) {
    for (uint32_t i = 0; i < cluster->size; i++) {
        int status = 0;
        if (cluster->processes[i] == 0 || waitpid(cluster->processes[i], &status, WNOHANG) == 0)
            continue;
        cluster->processes[i] = 0;
        char log[4096], line[512] = "";
        cluster_path(cluster, i, "log", log, sizeof log);
        last_line(log, line, sizeof line);
        if (WIFSIGNALED(status))
            snprintf(reason, reason_size, "ended by signal %d; %s", WTERMSIG(status), line);
        else
            snprintf(reason, reason_size, "exit code %d; %s", WEXITSTATUS(status), line);
        return (int)i;
    }
    return -1;
}

uint64_t cluster_cpu_us(const cluster_t *cluster, uint32_t index) {
    char path[64], text[1024];
    if (cluster->processes[index] == 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)cluster->processes[index]);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    if (got <= 0)
        return 0;
    text[got] = '\0';
    /* Fields 14 and 15 (user and system ticks), counted behind the name in parentheses. */
    const char *at = strrchr(text, ')');
    unsigned long user = 0, system = 0;
    if (at == NULL ||
        sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return 0;
    return (uint64_t)(user + system) * 1000000u / (uint64_t)sysconf(_SC_CLK_TCK);
}
