/* See api.h. Each endpoint is a row of a table, and prints its answer to a page. */
#include "node/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter/status_text.h"
#include "node/api_state.h"
#include "node/metrics.h"

#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_METRICS "text/plain; version=0.0.4; charset=utf-8"
/* The largest operation that /submit takes. */
#define SUBMIT_BYTES_MAX ((size_t)128 << 10)

typedef struct endpoint {
    const char *path; /* one that ends with a / has something behind it */
    const char *type, *shown, *what;
    http_method_t method;
    /* Prints the answer; returns its status, or API_LATER. */
    unsigned (*answer)(api_t *api, const api_call_t *call, FILE *page);
} endpoint_t;

/* ---- endpoints ---- */

static unsigned answer_list(api_t *api, const api_call_t *call, FILE *page);

static unsigned answer_status(api_t *api, const api_call_t *call, FILE *page) {
    node_t *node = api->node;
    const genesis_t *genesis = &node->home.genesis;
    status_report_t report;
    (void)call;
    replica_report(node->replica, node_now(node), &report);
    fprintf(page, "{\"chain\":\"%s\",\"name\":\"%s\",\"protocol\":\"%s\",\"app\":\"%s\",",
            genesis->chain.text, genesis->members[node->home.self].name.text,
            genesis->protocol.text, genesis->app.text);
    status_print_json(page, &report);
    fprintf(page, "}\n");
    return 200;
}

static unsigned answer_metrics(api_t *api, const api_call_t *call, FILE *page) {
    (void)call;
    metrics_print(api->node, page);
    return 200;
}

static const endpoint_t endpoints[] = {
    {"/", TYPE_TEXT, "/", "this list", HTTP_GET, answer_list},
    {"/status", API_TYPE_JSON, "/status", "what this validator says about itself", HTTP_GET,
     answer_status},
    {"/metrics", TYPE_METRICS, "/metrics", "the same and more, for Prometheus", HTTP_GET,
     answer_metrics},
    {"/block/", API_TYPE_JSON, "/block/HEIGHT", "an executed block, and who signed its proof",
     HTTP_GET, api_answer_block},
    {"/query", API_TYPE_JSON, "/query?key=KEY", "a value, or that there is none, with its proof",
     HTTP_GET, api_answer_query},
    {"/submit", API_TYPE_JSON, "/submit", "order an operation (if the configuration allows it)",
     HTTP_POST, api_answer_submit},
};
#define ENDPOINT_COUNT (sizeof endpoints / sizeof endpoints[0])

static unsigned answer_list(api_t *api, const api_call_t *call, FILE *page) {
    const genesis_t *genesis = &api->node->home.genesis;
    (void)call;
    fprintf(page, "Synod: %s of chain \"%s\"\n\n", genesis->members[api->node->home.self].name.text,
            genesis->chain.text);
    for (size_t at = 0; at < ENDPOINT_COUNT; at++)
        fprintf(page, "%-4s %-15s %s\n", endpoints[at].method == HTTP_POST ? "POST" : "GET",
                endpoints[at].shown, endpoints[at].what);
    return 200;
}

/* ---- requests ---- */

unsigned api_print_error(FILE *page, unsigned status, const char *why) {
    fprintf(page, "{\"error\":\"%s\"}\n", why);
    return status;
}

static void no_page(api_t *api, http_ticket_t ticket) {
    static const char text[] = "{\"error\":\"no memory for the page\"}\n";
    http_answer(api->http, ticket, 503, API_TYPE_JSON, bytes_of(text, sizeof text - 1));
}

void api_finish(api_t *api, http_ticket_t ticket, unsigned status, char *text, size_t size) {
    if (text == NULL)
        no_page(api, ticket);
    else
        http_answer(api->http, ticket, status, API_TYPE_JSON, bytes_of(text, size));
    free(text);
}

static const endpoint_t *find_endpoint(bytes_t path) {
    for (size_t at = 0; at < ENDPOINT_COUNT; at++) {
        size_t size = strlen(endpoints[at].path);
        bool goes_on = size > 1 && endpoints[at].path[size - 1] == '/';
        if ((path.size == size || (goes_on && path.size > size)) &&
            memcmp(path.data, endpoints[at].path, size) == 0)
            return &endpoints[at];
    }
    return NULL;
}

static unsigned answer_call(api_t *api, const endpoint_t *endpoint, const api_call_t *call,
                            FILE *page) {
    if (endpoint == NULL)
        return api_print_error(page, 404, "there is no such page: / lists those that there are");
    if (endpoint->method != call->request->method)
        return api_print_error(page, 405, "not by this method: / lists the pages");
    return endpoint->answer(api, call, page);
}

static void on_request(void *context, http_ticket_t ticket, const http_request_t *request) {
    api_t *api = context;
    const endpoint_t *endpoint = find_endpoint(request->path);
    api_call_t call = {.ticket = ticket, .request = request};
    if (endpoint != NULL) {
        size_t own = strlen(endpoint->path);
        call.rest = bytes_of(request->path.data + own, request->path.size - own);
    }
    char *text = NULL;
    size_t size = 0;
    FILE *page = open_memstream(&text, &size);
    if (page == NULL) {
        no_page(api, ticket);
        return;
    }
    unsigned status = answer_call(api, endpoint, &call, page);
    bool good = ferror(page) == 0;
    good = fclose(page) == 0 && good;
    const char *type = status == 200 ? endpoint->type : API_TYPE_JSON;
    if (good && status != API_LATER)
        http_answer(api->http, ticket, status, type, bytes_of(text, size));
    else if (status != API_LATER)
        no_page(api, ticket);
    free(text);
}

/* ---- open and close ---- */

synod_status api_open(node_t *node, api_t **to, reason_t *reason) {
    const settings_t *settings = &node->home.settings;
    if (settings->http_listen.host[0] == '\0')
        return SYNOD_OK;
    api_t *api = calloc(1, sizeof *api);
    if (api == NULL)
        return reason_set(reason, SYNOD_NO_MEMORY, "out of memory");
    api->node = node;
    const http_options_t options = {.loop = &node->loop,
                                    .log = &node->log,
                                    .listen = &settings->http_listen,
                                    .body_max = SUBMIT_BYTES_MAX,
                                    .context = api,
                                    .on_request = on_request};
    synod_status status = http_open(&options, &api->http, reason);
    if (status != SYNOD_OK) {
        free(api);
        return status;
    }
    *to = api;
    return settings->http_submit != 0 ? api_open_submit(api, reason) : SYNOD_OK;
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
    api_close_submit(api);
    api_close_block(api);
    http_free(api->http);
    free(api);
}
