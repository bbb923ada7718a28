/*
 * The parent: makes the world, starts five processes, times warm-up and window, collects their
 * reports and reaps them by their ids. It does nothing else while they run, so it costs nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "bench/support/floor.h"
#include "bench/support/floor_process.h"
#include "bench/support/floor_tls.h"

enum {
    READY_MS = 60 * 1000, /* a slow disk may take long to zero-fill four journals */
    REPORT_MS = 20 * 1000,
    REAP_MS = 20 * 1000,
};

struct child {
    pid_t pid; /* 0 when there is none */
    int control;
};

/* ---- the world ---- */

static int listening_socket(uint16_t *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (const struct sockaddr *)&address, size) != 0 ||
        listen(listener, FLOOR_PROCESSES) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        floor_fatal("listening on 127.0.0.1: %s", strerror(errno));
    }
    *port = ntohs(address.sin_port);
    return listener;
}

static void open_world(struct floor_world *world, const struct floor_settings *settings) {
    *world = (struct floor_world){.settings = settings};
    if (sodium_init() < 0) {
        floor_fatal("libsodium does not start");
    }
    crypto_sign_keypair(world->public_key, world->secret_key);
    if (settings->kind != FLOOR_A) {
        world->tls = floor_tls_open();
    }
    for (unsigned i = 0; i < FLOOR_REPLICAS; i++) {
        world->listeners[i] = listening_socket(&world->ports[i]);
    }
}

static void close_listeners(const struct floor_world *world, unsigned except) {
    for (unsigned i = 0; i < FLOOR_REPLICAS; i++) {
        if (i != except) {
            close(world->listeners[i]);
        }
    }
}

/* ---- processes ---- */

static _Noreturn void run_child(const struct floor_world *world, unsigned index,
                                const int controls[FLOOR_PROCESSES][2]) {
    /* An end of another's control socket kept here would hide from it that the parent is gone. */
    for (unsigned i = 0; i < FLOOR_PROCESSES; i++) {
        close(controls[i][0]);
        if (i != index) {
            close(controls[i][1]);
        }
    }
    close_listeners(world, index);
    signal(SIGPIPE, SIG_IGN);
    int status = floor_process_run(world, index, controls[index][1]);
    floor_tls_close(world->tls);
    exit(status);
}

static void start_children(const struct floor_world *world, struct child *children) {
    int controls[FLOOR_PROCESSES][2];
    for (unsigned i = 0; i < FLOOR_PROCESSES; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, controls[i]) != 0) {
            floor_fatal("opening a control socket: %s", strerror(errno));
        }
    }
    fflush(NULL);
    for (unsigned i = 0; i < FLOOR_PROCESSES; i++) {
        pid_t pid = fork();
        if (pid < 0) {
            /* The processes that did start end when their control sockets close with us. */
            floor_fatal("starting %s: %s", floor_process_name(i), strerror(errno));
        }
        if (pid == 0) {
            run_child(world, i, (const int(*)[2])controls);
        }
        children[i] = (struct child){.pid = pid, .control = controls[i][0]};
    }
    for (unsigned i = 0; i < FLOOR_PROCESSES; i++) {
        close(controls[i][1]);
    }
}

static bool order(const struct child *child, enum floor_control control) {
    char byte = (char)control;
    return send(child->control, &byte, 1, MSG_NOSIGNAL) == 1;
}

static bool order_all(const struct child *children, enum floor_control control) {
    bool all = true;
    for (unsigned i = 0; i < FLOOR_PROCESSES; i++) {
        all = order(&children[i], control) && all;
    }
    return all;
}

/* Reads an answer of known size from one process; false when it ended or took too long. */
static bool receive(const struct child *child, unsigned index, void *answer, size_t size_bytes,
                    int timeout_ms) {
    struct pollfd wait = {.fd = child->control, .events = POLLIN};
    uint8_t *to = answer;
    while (size_bytes > 0) {
        int ready = poll(&wait, 1, timeout_ms);
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        ssize_t got = ready > 0 ? recv(child->control, to, size_bytes, 0) : 0;
        if (got <= 0) {
            fprintf(stderr, "floors: %s %s\n", floor_process_name(index),
                    ready == 0 ? "does not answer" : "has ended early");
            return false;
        }
        to += got;
        size_bytes -= (size_t)got;
    }
    return true;
}

/* Waits; false as soon as a process ends, as they have nothing to say meanwhile. */
static bool let_run(const struct child *children, uint64_t duration_ns) {
    struct pollfd waits[FLOOR_PROCESSES];
    uint64_t end_ns = uv_hrtime() + duration_ns;
    for (unsigned i = 0; i < FLOOR_PROCESSES; i++) {
        waits[i] = (struct pollfd){.fd = children[i].control, .events = POLLIN};
    }
    for (uint64_t now_ns = uv_hrtime(); now_ns < end_ns; now_ns = uv_hrtime()) {
        int left_ms = (int)((end_ns - now_ns + 999999U) / 1000000U);
        if (poll(waits, FLOOR_PROCESSES, left_ms) > 0) {
            fprintf(stderr, "floors: a process has ended during the measurement\n");
            return false;
        }
    }
    return true;
}

static bool measure(const struct child *children, const struct floor_settings *settings,
                    struct floor_result *result) {
    for (unsigned i = 0; i < FLOOR_PROCESSES; i++) {
        char byte = 0;
        if (!receive(&children[i], i, &byte, 1, READY_MS) || byte != FLOOR_CONTROL_READY) {
            return false;
        }
    }
    if (!order(&children[FLOOR_CLIENT], FLOOR_CONTROL_START) ||
        !let_run(children, settings->warm_up_ns) || !order_all(children, FLOOR_CONTROL_BEGIN) ||
        !let_run(children, settings->duration_ns) || !order_all(children, FLOOR_CONTROL_END)) {
        return false;
    }
    for (unsigned i = 0; i < FLOOR_PROCESSES; i++) {
        struct floor_report *report = &result->reports[i];
        if (!receive(&children[i], i, report, sizeof *report, REPORT_MS)) {
            return false;
        }
    }
    return order_all(children, FLOOR_CONTROL_QUIT);
}

/* Waits for one process, by force once its time is over. Gives its status as waitpid does. */
static int reap(pid_t pid, uint64_t deadline_ns) {
    const struct timespec pause = {.tv_nsec = 2000000};
    int status = 0;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (uv_hrtime() > deadline_ns) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            break;
        }
        nanosleep(&pause, NULL);
    }
    return status;
}

static bool reap_all(const struct child *children) {
    uint64_t deadline_ns = uv_hrtime() + (uint64_t)REAP_MS * 1000000U;
    bool all_well = true;
    for (unsigned i = 0; i < FLOOR_PROCESSES; i++) {
        close(children[i].control);
    }
    for (unsigned i = 0; i < FLOOR_PROCESSES; i++) {
        int status = reap(children[i].pid, deadline_ns);
        if (WIFSIGNALED(status)) {
            fprintf(stderr, "floors: %s was ended by signal %d\n", floor_process_name(i),
                    WTERMSIG(status));
        }
        all_well = all_well && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return all_well;
}

bool floor_run(const struct floor_settings *settings, struct floor_result *result) {
    struct floor_world world;
    struct child children[FLOOR_PROCESSES];
    open_world(&world, settings);
    start_children(&world, children);
    close_listeners(&world, FLOOR_REPLICAS);
    bool measured = measure(children, settings, result);
    /* Closing the control sockets ends every process that has not been told to quit. */
    bool reaped = reap_all(children);
    floor_tls_close(world.tls);
    sodium_memzero(world.secret_key, sizeof world.secret_key);
    if (measured && !reaped) {
        fprintf(stderr, "floors: a process did not end well\n");
    }
    return measured && reaped;
}
