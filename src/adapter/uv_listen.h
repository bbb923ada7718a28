/* A listening socket on a loop, and the sentence that says why there is none. */
#ifndef ADAPTER_UV_LISTEN_H
#define ADAPTER_UV_LISTEN_H

#include <uv.h>

#include "adapter/address.h"
#include "adapter/reason.h"

typedef struct listen_options {
    uv_loop_t *loop;
    const address_t *address; /* a name is looked up at once */
    const char *setting;      /* what to change in config, for the sentence */
    int backlog;
    uv_connection_cb on_connection;
    void *data; /* of the handle */
} listen_options_t;

/* `*opened`: the handle belongs to the loop, which may be so after an error too, and must be closed
 * by uv_close. IN_USE, PERMISSION, IO. */
synod_status listen_open(const listen_options_t *options, uv_tcp_t *listener, bool *opened,
                         uint16_t *port, reason_t *reason);

/* A connection that has no place: it has to be taken to get rid of it. True: libuv holds a handle
 * of it until `gone` is called, with the listener's data. */
bool listen_turn_away(uv_tcp_t *listener, void (*gone)(void *data));

#endif
