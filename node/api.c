/* See api.h. Each endpoint is a row of a table, and prints its answer to a page. */
#include "node/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/status_text.h"
#include "node/metrics.h"
#include "node/state.h"

#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_JSON "application/json"
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"

struct api {
    node_t *node;
    http_t *http;
    uint8_t *peers; /* room for a report */
};

typedef struct endpoint {
    const char *path, *type, *what;
    http_method_t method;
    /* Prints the answer; returns its status. */
    unsigned (*answer)(api_t *api, const http_request_t *request, FILE *page);
} endpoint_t;

/* ---- endpoints ---- */

static unsigned answer_list(api_t *api, const http_request_t *request, FILE *page);

/* With what it says of others; in `api->peers`, until the next one. */
static bool take_report(api_t *api, status_report_t *report) {
    const node_t *node = api->node;
    size_t size = (size_t)node->committee.size * STATUS_PEER_BYTES;
    writer_t writer = writer_of(api->peers, size);
    node_status(node, report);
    for (member_t m = 0; m < node->committee.size; m++) {
        status_peer_t peer;
        replica_peer(node->replica, m, &peer);
        status_peer_encode(&peer, &writer);
    }
    report->peers = writer_bytes(&writer);
    return !writer.failed;
}

static unsigned answer_status(api_t *api, const http_request_t *request, FILE *page) {
    const node_t *node = api->node;
    const genesis_t *genesis = &node->home.genesis;
    status_report_t report;
    (void)request;
    if (!take_report(api, &report))
        return 500;
    fprintf(page, "{\"chain\":\"%s\",\"name\":\"%s\",\"protocol\":\"%s\",\"app\":\"%s\",",
            genesis->chain.text, genesis->members[node->home.self].name.text,
            genesis->protocol.text, genesis->app.text);
    status_print_json(page, &report);
    fprintf(page, "}\n");
    return 200;
}

static unsigned answer_metrics(api_t *api, const http_request_t *request, FILE *page) {
    (void)request;
    metrics_print(api->node, page);
    return 200;
}

static const endpoint_t endpoints[] = {
    {"/", TYPE_TEXT, "this list", HTTP_GET, answer_list},
    {"/status", TYPE_JSON, "what this validator says about itself", HTTP_GET, answer_status},
    {"/metrics", TYPE_METRICS, "the same and more, for Prometheus", HTTP_GET, answer_metrics},
};
#define ENDPOINT_COUNT (sizeof endpoints / sizeof endpoints[0])

static unsigned answer_list(api_t *api, const http_request_t *request, FILE *page) {
    const genesis_t *genesis = &api->node->home.genesis;
    (void)request;
    fprintf(page, "Synod: %s of chain \"%s\"\n\n", genesis->members[api->node->home.self].name.text,
            genesis->chain.text);
    for (size_t at = 0; at < ENDPOINT_COUNT; at++)
        fprintf(page, "%-4s %-10s %s\n", endpoints[at].method == HTTP_POST ? "POST" : "GET",
                endpoints[at].path, endpoints[at].what);
    return 200;
}

/* ---- requests ---- */

static const endpoint_t *find_endpoint(bytes_t path) {
    for (size_t at = 0; at < ENDPOINT_COUNT; at++)
        if (path.size == strlen(endpoints[at].path) &&
            memcmp(path.data, endpoints[at].path, path.size) == 0)
            return &endpoints[at];
    return NULL;
}

static void refuse(api_t *api, http_ticket_t ticket, unsigned status, const char *why) {
    char text[256];
    int size = snprintf(text, sizeof text, "{\"error\":\"%s\"}\n", why);
    http_answer(api->http, ticket, status, TYPE_JSON, bytes_of(text, (size_t)size));
}

static void on_request(void *context, http_ticket_t ticket, const http_request_t *request) {
    api_t *api = context;
    const endpoint_t *endpoint = find_endpoint(request->path);
    if (endpoint == NULL) {
        refuse(api, ticket, 404, "there is no such page; / lists those that there are");
        return;
    }
    if (endpoint->method != request->method) {
        refuse(api, ticket, 405, "not by this method; / lists the pages");
        return;
    }
    char *text = NULL;
    size_t size = 0;
    FILE *page = open_memstream(&text, &size);
    unsigned status = page == NULL ? 500 : endpoint->answer(api, request, page);
    bool good = page != NULL && ferror(page) == 0;
    good = page != NULL && fclose(page) == 0 && good;
    if (good)
        http_answer(api->http, ticket, status, endpoint->type, bytes_of(text, size));
    else
        refuse(api, ticket, 500, "no memory for the page");
    free(text);
}

/* ---- open and close ---- */

synod_status api_open(node_t *node, api_t **to, reason_t *reason) {
    const settings_t *settings = &node->home.settings;
    if (settings->http_listen.host[0] == '\0')
        return SYNOD_OK;
    api_t *api = calloc(1, sizeof *api);
    if (api != NULL)
        api->peers = malloc((size_t)node->committee.size * STATUS_PEER_BYTES);
    if (api == NULL || api->peers == NULL) {
        free(api);
        return reason_set(reason, SYNOD_NO_MEMORY, "out of memory");
    }
    api->node = node;
    const http_options_t options = {.loop = &node->loop,
                                    .log = &node->log,
                                    .listen = &settings->http_listen,
                                    .context = api,
                                    .on_request = on_request};
    synod_status status = http_open(&options, &api->http, reason);
    if (status != SYNOD_OK) {
        free(api->peers);
        free(api);
        return status;
    }
    *to = api;
    return SYNOD_OK;
}

uint16_t api_port(const api_t *api) {
    return api == NULL ? 0 : http_port(api->http);
}

const http_counters_t *api_counters(const api_t *api) {
    static const http_counters_t none;
    return api == NULL ? &none : http_counters(api->http);
}

void api_stop(api_t *api) {
    if (api != NULL)
        http_stop(api->http);
}

bool api_stopped(const api_t *api) {
    return api == NULL || http_stopped(api->http);
}

void api_close(api_t *api) {
    if (api == NULL)
        return;
    http_free(api->http);
    free(api->peers);
    free(api);
}
