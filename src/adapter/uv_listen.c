/* See uv_listen.h. */
#include "adapter/uv_listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static synod_status refuse(const listen_options_t *options, int error, reason_t *reason) {
    char text[ADDRESS_TEXT_MAX];
    address_print(options->address, text);
    if (error == UV_EADDRINUSE) {
        return reason_set(reason, SYNOD_IN_USE,
                          "another process listens on %s already; stop it, or change `%s` in "
                          "config",
                          text, options->setting);
    }
    synod_status status = error == UV_EACCES ? SYNOD_PERMISSION : SYNOD_IO;
    return reason_set(reason, status, "cannot listen on %s: %s; check `%s` in config", text,
                      uv_strerror(error), options->setting);
}

static int find_address(uv_loop_t *loop, const address_t *from, struct sockaddr_storage *to) {
    char port[8];
    if (uv_ip4_addr(from->host, from->port, (struct sockaddr_in *)to) == 0 ||
        uv_ip6_addr(from->host, from->port, (struct sockaddr_in6 *)to) == 0) {
        return 0;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    uv_getaddrinfo_t request;
    (void)snprintf(port, sizeof port, "%u", from->port);
    int error = uv_getaddrinfo(loop, &request, NULL, from->host, port, &hints);
    if (error == 0) {
        memcpy(to, request.addrinfo->ai_addr, request.addrinfo->ai_addrlen);
        uv_freeaddrinfo(request.addrinfo);
    }
    return error;
}

synod_status listen_open(const listen_options_t *options, uv_tcp_t *listener, bool *opened,
                         uint16_t *port, reason_t *reason) {
    struct sockaddr_storage at = {0};
    int size = sizeof at;
    int error = find_address(options->loop, options->address, &at);
    if (error == 0) {
        error = uv_tcp_init(options->loop, listener);
    }
    *opened = error == 0;
    if (error != 0) {
        return refuse(options, error, reason);
    }
    listener->data = options->data;
    error = uv_tcp_bind(listener, (const struct sockaddr *)&at, 0);
    if (error == 0) {
        error = uv_listen((uv_stream_t *)listener, options->backlog, options->on_connection);
    }
    if (error == 0) {
        error = uv_tcp_getsockname(listener, (struct sockaddr *)&at, &size);
    }
    if (error != 0) {
        return refuse(options, error, reason);
    }
    *port = ntohs(at.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                           : ((struct sockaddr_in *)&at)->sin_port);
    return SYNOD_OK;
}

/* ---- connections without a place ---- */

typedef struct unwelcome {
    uv_tcp_t tcp;
    void *data;
    void (*gone)(void *data);
} unwelcome_t;

static void on_turned_away(uv_handle_t *handle) {
    unwelcome_t *unwelcome = handle->data;
    unwelcome->gone(unwelcome->data);
    free(unwelcome);
}

bool listen_turn_away(uv_tcp_t *listener, void (*gone)(void *data)) {
    unwelcome_t *unwelcome = malloc(sizeof *unwelcome);
    if (unwelcome == NULL || uv_tcp_init(listener->loop, &unwelcome->tcp) != 0) {
        free(unwelcome);
        return false;
    }
    unwelcome->data = listener->data;
    unwelcome->gone = gone;
    unwelcome->tcp.data = unwelcome;
    (void)uv_accept((uv_stream_t *)listener, (uv_stream_t *)&unwelcome->tcp);
    uv_close((uv_handle_t *)&unwelcome->tcp, on_turned_away);
    return true;
}
