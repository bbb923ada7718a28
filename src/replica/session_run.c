/* Runs the operations of one request into one flat buffer: no allocation, no hashing, one call of
 * the application an operation. Header: session_run.h. */
#include "replica/session_run.h"

#include "base/check.h"

/* Operations that the application is told of at once: their waits for memory overlap. */
#define EXPECTED_AT_ONCE 32

/* Where the application's reply to one operation goes. */
typedef struct sink {
    uint8_t *data;
    size_t at, end;
    bool refused; /* latches: a reply that was cut is no reply */
} sink_t;

static bool sink_put(void *context, synod_bytes bytes) {
    sink_t *sink = context;
    if (sink->refused || bytes.size > sink->end - sink->at) {
        sink->refused = true;
        return false;
    }
    if (bytes.size > 0) {
        memcpy(sink->data + sink->at, bytes.data, bytes.size);
        sink->at += bytes.size;
    }
    return true;
}

/* The next operations, at most EXPECTED_AT_ONCE: how many. */
static uint32_t take_some(const request_t *request, size_t *walk, bytes_t *operations) {
    uint32_t count = 0;
    while (count < EXPECTED_AT_ONCE && request_operation(request, walk, &operations[count])) {
        count++;
    }
    return count;
}

/* Appends the result of one operation: status, length, the application's reply. */
static synod_status run_one(const synod_app *app, void *state, const synod_block_info *info,
                            bytes_t operation, sink_t *sink) {
    uint8_t *head = sink->data + sink->at;
    sink->at += OPERATION_HEADER_BYTES;
    sink->refused = false;
    size_t start = sink->at;
    synod_writer writer = {.put = sink_put, .context = sink, .limit_bytes = sink->end - start};
    synod_status status = app->execute(state, info, operation, &writer);
    if (sink->refused) {
        sink->at = start;
        status = SYNOD_APP_ERROR;
    }
    status = status == SYNOD_OK ? SYNOD_OK : SYNOD_APP_ERROR;
    head[0] = (uint8_t)status;
    store_u32(head + 1, (uint32_t)(sink->at - start));
    return status;
}

/* Runs all operations of a request, each on its own. Rule 12: the status and length of every
 * operation always have room, so one long reply cannot take away another's outcome; an operation
 * whose reply does not fit into what is left is answered APP_ERROR without bytes. */
bytes_t session_run(const synod_app *app, void *state, const synod_block_info *info,
                    const request_t *request, uint8_t *buffer, size_t size, synod_status *outcome) {
    sink_t sink = {.data = buffer};
    size_t reserved = (size_t)request->operation_count * OPERATION_HEADER_BYTES;
    size_t walk = 0;
    bytes_t operations[EXPECTED_AT_ONCE];
    require(reserved <= size);
    *outcome = SYNOD_OK;
    for (uint32_t count; (count = take_some(request, &walk, operations)) > 0;) {
        if (app->expect != NULL && count > 1) {
            app->expect(state, operations, count);
        }
        for (uint32_t i = 0; i < count; i++) {
            invariant(reserved >= OPERATION_HEADER_BYTES);
            reserved -= OPERATION_HEADER_BYTES;
            sink.end = size - reserved;
            if (run_one(app, state, info, operations[i], &sink) != SYNOD_OK) {
                *outcome = SYNOD_APP_ERROR;
            }
        }
    }
    ensure(reserved == 0 && sink.at <= size);
    return bytes_of(sink.data, sink.at);
}
