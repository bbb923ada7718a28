/* See notify.h. What cannot be said is not said again: the manager has time-outs of its own. */
#include "node/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Without a watchdog, how often it is said that the start goes on; and how long that counts. */
#define START_TICK_MS 10000
#define START_EXTENDED "EXTEND_TIMEOUT_USEC=60000000"

static void say(const notify_t *notify, const char *text) {
    if (notify->socket >= 0)
        (void)send(notify->socket, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* A path, or with an @ a name in the abstract space. */
static int connect_to(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (made < 0)
        return -1;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    if (connect(made, (const struct sockaddr *)&address, size) == 0)
        return made;
    close(made);
    return -1;
}

/* Half of what the manager allows, if its watchdog means this process. */
static uint64_t tick_ms(void) {
    const char *allowed = getenv("WATCHDOG_USEC"), *process = getenv("WATCHDOG_PID");
    uint64_t us = allowed != NULL ? strtoull(allowed, NULL, 10) : 0;
    if (process != NULL && strtoull(process, NULL, 10) != (uint64_t)getpid())
        us = 0;
    return us < 2000 ? START_TICK_MS : us / 2000;
}

static void on_tick(uv_timer_t *timer) {
    const notify_t *notify = timer->data;
    say(notify, notify->ready ? "WATCHDOG=1" : "WATCHDOG=1\n" START_EXTENDED);
}

void notify_open(notify_t *notify, uv_loop_t *loop) {
    const char *name = getenv("NOTIFY_SOCKET");
    notify->socket = name != NULL ? connect_to(name) : -1;
    uv_timer_init(loop, &notify->timer);
    notify->timer.data = notify;
    if (notify->socket >= 0)
        uv_timer_start(&notify->timer, on_tick, 0, tick_ms());
}

void notify_ready(notify_t *notify, const char *what) {
    char text[256];
    if (notify->ready)
        return;
    notify->ready = true;
    (void)snprintf(text, sizeof text, "READY=1\nSTATUS=%s", what);
    say(notify, text);
}

void notify_stopping(notify_t *notify) {
    if (!notify->stopping)
        say(notify, "STOPPING=1");
    notify->stopping = true;
}

void notify_close(notify_t *notify) {
    if (notify->socket >= 0)
        close(notify->socket);
    notify->socket = -1;
}
