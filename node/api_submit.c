/* POST /submit: one operation, ordered through a client of this node's own, which has a session
 * like any other and believes an answer when f + 1 members gave it. Off unless the configuration
 * says `submit = yes`. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <synod/client.h>

#include "app/kv_client.h"
#include "base/check.h"
#include "node/api_state.h"

/* Operations under way; more are told busy. As many as there may be connections. */
#define SUBMITS_MAX HTTP_CONNECTIONS_MAX
#define SUBMIT_DEADLINE_NS UINT64_C(10000000000)
#define KEY_BYTES_MAX 4096

typedef struct api_operation {
    struct api_submit *submit;
    http_ticket_t ticket; /* 0: free */
    bool done;            /* what follows is there; under the mutex */
    synod_status status;
    uint64_t height;
    uint8_t *result; /* NULL: empty, or no memory */
    size_t size;
} api_operation_t;

struct api_submit {
    api_t *api;
    synod_client *client;
    uv_async_t wake;
    uv_mutex_t mutex;
    bool let_go; /* libuv has let go of `wake` */
    api_operation_t operations[SUBMITS_MAX];
};

/* On the client's thread. The late truth about what was UNKNOWN has nobody to be told to. */
static void on_done(void *context, const synod_client_result *result) {
    api_operation_t *operation = context;
    struct api_submit *submit = operation->submit;
    if (result->late)
        return;
    uv_mutex_lock(&submit->mutex);
    operation->done = true;
    operation->status = result->status;
    operation->height = result->height;
    operation->size = 0;
    operation->result = result->result.size > 0 ? malloc(result->result.size) : NULL;
    if (operation->result != NULL) {
        memcpy(operation->result, result->result.data, result->result.size);
        operation->size = result->result.size;
    }
    uv_mutex_unlock(&submit->mutex);
    (void)uv_async_send(&submit->wake);
}

static unsigned http_status_of(synod_status status) {
    switch (status) {
    case SYNOD_OK:
    case SYNOD_APP_ERROR: /* it was ordered; what the application says is the result */
        return 200;
    case SYNOD_BUSY:
        return 503;
    case SYNOD_UNKNOWN:
        return 504;
    case SYNOD_TOO_LARGE:
        return 413;
    default:
        return 400;
    }
}

static void answer(api_t *api, const api_operation_t *operation) {
    char *text = NULL;
    size_t size = 0;
    FILE *page = open_memstream(&text, &size);
    if (page != NULL) {
        fprintf(page, "{\"status\":%u,\"outcome\":\"%s\",\"height\":%" PRIu64,
                (unsigned)operation->status, synod_status_text(operation->status),
                operation->height);
        api_print_hex(page, "result", bytes_of(operation->result, operation->size));
        fprintf(page, "}\n");
        if (fclose(page) != 0) {
            free(text);
            text = NULL;
        }
    }
    api_finish(api, operation->ticket, http_status_of(operation->status), text, size);
}

static void on_wake(uv_async_t *async) {
    struct api_submit *submit = async->data;
    for (uint32_t at = 0; at < SUBMITS_MAX; at++) {
        uv_mutex_lock(&submit->mutex);
        api_operation_t operation = submit->operations[at];
        if (operation.done)
            submit->operations[at] = (api_operation_t){.submit = submit};
        uv_mutex_unlock(&submit->mutex);
        if (!operation.done)
            continue;
        answer(submit->api, &operation);
        free(operation.result);
    }
}

static api_operation_t *find_free(struct api_submit *submit) {
    for (uint32_t at = 0; at < SUBMITS_MAX; at++)
        if (submit->operations[at].ticket == 0)
            return &submit->operations[at];
    return NULL;
}

/* With ?key=KEY the body is the value that it shall have, of kv; else the body is the operation. */
static bool read_operation(const api_t *api, const http_request_t *request, writer_t *to) {
    uint8_t key[KEY_BYTES_MAX];
    size_t size = 0;
    if (request->query.size == 0) {
        write_bytes(to, request->body.data, request->body.size);
        return !to->failed && request->body.size > 0;
    }
    if (strcmp(api->node->home.genesis.app.text, "kv") != 0 ||
        !http_query_value(request->query, "key", key, sizeof key, &size))
        return false;
    kv_encode_set(to, bytes_of(key, size), request->body);
    return !to->failed;
}

unsigned api_answer_submit(api_t *api, const api_call_t *call, FILE *page) {
    struct api_submit *submit = api->submit;
    if (submit == NULL)
        return api_print_error(page, 404, "off: set submit = yes in [http] of config");
    if (call->request->of_a_page) /* a web page in somebody's browser */
        return api_print_error(page, 403, "not for web pages: a request with an Origin is refused");
    size_t room_size = call->request->body.size + KEY_BYTES_MAX + KV_SET_AROUND_BYTES;
    uint8_t *room = malloc(room_size);
    api_operation_t *operation = find_free(submit);
    writer_t writer = writer_of(room, room == NULL ? 0 : room_size);
    unsigned status = API_LATER;
    if (room == NULL || operation == NULL) {
        status = api_print_error(page, 503, "too many operations are under way: nothing happened");
    } else if (!read_operation(api, call->request, &writer)) {
        status = api_print_error(
            page, 400, "send the bytes of an operation, or /submit?key=KEY and the value");
    } else {
        operation->ticket = call->ticket;
        synod_status taken =
            synod_client_submit(submit->client, writer_bytes(&writer), on_done, operation);
        if (taken == SYNOD_OK) {
            synod_client_flush(submit->client);
        } else {
            operation->ticket = 0;
            status = api_print_error(page, http_status_of(taken), synod_status_text(taken));
        }
    }
    free(room);
    return status;
}

synod_status api_open_submit(api_t *api, reason_t *reason) {
    const node_t *node = api->node;
    file_path_t genesis;
    synod_status status = file_join(&genesis, node->home.path.text, "genesis.json", reason);
    struct api_submit *submit = status == SYNOD_OK ? calloc(1, sizeof *submit) : NULL;
    if (submit == NULL || uv_mutex_init(&submit->mutex) != 0) {
        free(submit);
        return status == SYNOD_OK ? reason_set(reason, SYNOD_NO_MEMORY, "out of memory") : status;
    }
    submit->api = api;
    for (uint32_t at = 0; at < SUBMITS_MAX; at++)
        submit->operations[at].submit = submit;
    (void)uv_async_init(&api->node->loop, &submit->wake, on_wake);
    submit->wake.data = submit;
    api->submit = submit;
    const synod_client_options options = {.size_bytes = sizeof options,
                                          .genesis_path = genesis.text,
                                          .deadline_ns = SUBMIT_DEADLINE_NS};
    status = synod_client_open(&options, &submit->client, reason->text, sizeof reason->text);
    if (status != SYNOD_OK)
        api_close_submit(api);
    return status;
}

static void on_closed(uv_handle_t *handle) {
    ((struct api_submit *)handle->data)->let_go = true;
}

void api_close_submit(api_t *api) {
    struct api_submit *submit = api->submit;
    if (submit == NULL)
        return;
    if (submit->client != NULL)
        synod_client_close(submit->client);
    uv_close((uv_handle_t *)&submit->wake, on_closed);
    while (!submit->let_go)
        uv_run(&api->node->loop, UV_RUN_ONCE);
    for (uint32_t at = 0; at < SUBMITS_MAX; at++)
        free(submit->operations[at].result);
    uv_mutex_destroy(&submit->mutex);
    free(submit);
    api->submit = NULL;
}
