/* What a service manager is told (sd_notify(3)): that the validator is ready, lives, and stops. It
 * is a datagram to the socket that NOTIFY_SOCKET names; without one, nothing happens. */
#ifndef NODE_NOTIFY_H
#define NODE_NOTIFY_H

#include <stdbool.h>

#include <uv.h>

typedef struct notify {
    int socket; /* -1: nobody listens */
    bool ready, stopping;
    uv_timer_t timer;
} notify_t;

/* Begins with a timer on the loop, which says that it turns: to the manager's watchdog, and while
 * the journal is being read, so that a long one is not taken for a hang. */
void notify_open(notify_t *notify, uv_loop_t *loop);
/* Recovered and listening. Only the first call tells. */
void notify_ready(notify_t *notify, const char *what);
void notify_stopping(notify_t *notify);
/* After the loop's end. */
void notify_close(notify_t *notify);

#endif
