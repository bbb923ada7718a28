/* The oracle of answers. It knows what each client was given, reads what its core signs and what
 * honest members reply, and judges what the core believes:
 *  - a sequence of a session names one request for ever, made of operations as they were submitted;
 *  - honest members give one result for an operation, whoever of them and however often;
 *  - what a client believes, an honest member said: f liars convince nobody (attack C4);
 *  - an operation completes once, and once more only as the truth about an UNKNOWN one (attack C8);
 *  - what is reported as never sent was never sent;
 *  - an honest member is never counted as a liar. */
#include "sim/world_state.h"

/* ---- what is signed ---- */

static sim_sealed_t *sealed_find(sim_client_t *client, uint64_t session, uint64_t sequence) {
    for (uint32_t i = client->sealed_count; i > 0; i--) { /* mostly among the last ones */
        sim_sealed_t *sealed = &client->sealed[i - 1];
        if (sealed->session == session && sealed->sequence <= sequence)
            return sealed->sequence == sequence ? sealed : NULL;
    }
    return NULL;
}

/* The operations of a new request are the next ones that were not given up meanwhile. */
static void take_operations(sim_client_t *client, const request_t *request, uint32_t number) {
    size_t at = 0;
    bytes_t operation;
    while (client->next_sealed < client->count && client->requests[client->next_sealed].answered)
        client->next_sealed++;
    sim_sealed_t *sealed = &client->sealed[number - 1];
    sealed->first = client->next_sealed;
    while (request_operation(request, &at, &operation)) {
        if (client->next_sealed == client->count) {
            violate(client->world, VIOLATION_VALIDITY, "client %u signed what nobody submitted",
                    client->index);
            return;
        }
        sim_request_t *one = &client->requests[client->next_sealed++];
        if (one->answered || one->operation.size != operation.size ||
            memcmp(one->operation.data, operation.data, operation.size) != 0)
            violate(client->world, VIOLATION_VALIDITY,
                    "client %u signed another operation than number %u that was submitted",
                    client->index, client->next_sealed);
        one->sealed = number;
        sealed->count++;
    }
}

static void seal(sim_client_t *client, const request_t *request, frame_buffer_t *frame) {
    const sim_sealed_t *last =
        client->sealed_count > 0 ? &client->sealed[client->sealed_count - 1] : NULL;
    bool goes_on = last != NULL && last->session == request->session;
    if (request->sequence != (goes_on ? last->sequence + 1 : 1))
        violate(client->world, VIOLATION_ONCE,
                "client %u signed sequence %llu of session %llu out of turn", client->index,
                (unsigned long long)request->sequence, (unsigned long long)request->session);
    client->sealed = grow(client->sealed, sizeof(sim_sealed_t), &client->sealed_capacity,
                          client->sealed_count + 1);
    client->sealed[client->sealed_count++] =
        (sim_sealed_t){.session = request->session, .sequence = request->sequence, .frame = frame};
    frame->references++;
    take_operations(client, request, client->sealed_count);
}

void answers_sealed(sim_client_t *client, frame_buffer_t *frame) {
    bytes_t body = bytes_of(frame->data + FRAME_HEADER_BYTES, frame->size - FRAME_HEADER_BYTES);
    reader_t reader = reader_of(body);
    request_t request;
    if (request_decode(&reader, &request) != SYNOD_OK || !reader_done(&reader)) {
        violate(client->world, VIOLATION_VALIDITY, "client %u sends a request that is none",
                client->index);
        return;
    }
    digest_t digest = request_digest(&request);
    oracle_issued(client->world, &digest);
    if (request.session == 0)
        return;
    const sim_sealed_t *before = sealed_find(client, request.session, request.sequence);
    if (before == NULL)
        seal(client, &request, frame);
    else if (before->frame->size != frame->size ||
             memcmp(before->frame->data, frame->data, frame->size) != 0)
        violate(client->world, VIOLATION_ONCE, "client %u signed two requests for sequence %llu",
                client->index, (unsigned long long)request.sequence);
}

/* ---- what honest members say ---- */

static uint64_t print_of(synod_status status, height_t height, bytes_t result) {
    uint64_t print = oracle_mix(oracle_mix(1, (uint64_t)status), height);
    for (size_t i = 0; i < result.size; i++)
        print = oracle_mix(print, result.data[i]);
    return print | 1;
}

static void said_result(node_t *node, sim_client_t *client, const sim_sealed_t *sealed,
                        const reply_t *reply) {
    size_t at = 0;
    for (uint32_t i = 0; i < sealed->count; i++) {
        synod_status status;
        bytes_t result;
        sim_request_t *request = &client->requests[sealed->first + i];
        if (!reply_operation(reply, &at, &status, &result)) {
            violate(node->world, VIOLATION_HISTORY,
                    "member %u answered client %u with a result that cannot be read", node->member,
                    client->index);
            return;
        }
        uint64_t print = print_of(status, reply->height, result);
        if (request->honest != 0 && request->honest != print)
            violate(node->world, VIOLATION_HISTORY,
                    "honest members gave client %u two results for operation %u: member %u differs",
                    client->index, sealed->first + i + 1, node->member);
        request->honest = print;
    }
}

static void said_of_session(sim_client_t *client, const reply_t *reply) {
    if (reply->status != SYNOD_OK || reply->result.size != sizeof(uint64_t))
        return;
    uint64_t session = load_u64(reply->result.data);
    if (session > client->session_alive)
        client->session_alive = session;
}

void answers_said(node_t *node, sim_client_t *client, const frame_buffer_t *frame) {
    reply_t reply;
    reader_t reader =
        reader_of(bytes_of(frame->data + FRAME_HEADER_BYTES, frame->size - FRAME_HEADER_BYTES));
    if (frame_kind_of(frame) != FRAME_REPLY)
        return;
    if (reply_decode(&reader, &reply) != SYNOD_OK || !reader_done(&reader)) {
        violate(node->world, VIOLATION_HISTORY, "member %u sent a reply that cannot be read",
                node->member);
        return;
    }
    if (reply.session == 0) {
        said_of_session(client, &reply);
        return;
    }
    if (reply.status == SYNOD_EXPIRED && reply.session > client->session_gone)
        client->session_gone = reply.session;
    sim_sealed_t *sealed = sealed_find(client, reply.session, reply.sequence);
    if (sealed == NULL)
        return;
    if (reply.status == SYNOD_OK || reply.status == SYNOD_APP_ERROR)
        said_result(node, client, sealed, &reply);
    else
        sealed->refusals |= UINT32_C(1) << reply.status;
}

/* ---- what is believed ---- */

/* Did an honest member say that it did not run, or that nobody can tell any more? */
static bool refused_by_honest(const sim_client_t *client, const sim_request_t *request,
                              synod_status status) {
    if (request->sealed == 0)
        return false;
    const sim_sealed_t *sealed = &client->sealed[request->sealed - 1];
    if ((sealed->refusals >> status & 1) != 0)
        return true;
    bool gone = client->session_gone >= sealed->session || client->session_alive > sealed->session;
    return status == SYNOD_UNKNOWN && gone;
}

static void believed_in_turn(const sim_client_t *client, const sim_request_t *request,
                             const client_completion_t *completion) {
    if (request->answered || completion->late != request->reported)
        violate(client->world, VIOLATION_ONCE, "client %u: operation %llu completed %s",
                client->index, (unsigned long long)completion->token,
                request->answered ? "twice" : "late without a report, or again in time");
}

void answers_believed(sim_client_t *client, sim_request_t *request,
                      const client_completion_t *completion) {
    world_t *w = client->world;
    synod_status status = completion->status;
    believed_in_turn(client, request, completion);
    if (status == SYNOD_UNKNOWN && !completion->settled) {
        if (w->options.deadline_ns == 0)
            violate(w, VIOLATION_HISTORY, "client %u gave up operation %llu, without a deadline",
                    client->index, (unsigned long long)completion->token);
        return;
    }
    bool founded = false;
    if (status == SYNOD_OK || status == SYNOD_APP_ERROR)
        founded = request->honest == print_of(status, completion->height, completion->result);
    else if (status == SYNOD_BUSY)
        founded = request->sealed == 0;
    else
        founded = refused_by_honest(client, request, status);
    if (!founded)
        violate(w, VIOLATION_HISTORY,
                "client %u believes %s (height %llu) of operation %llu: no honest member said so",
                client->index, synod_status_text(status), (unsigned long long)completion->height,
                (unsigned long long)completion->token);
}

void answers_finish(sim_client_t *client) {
    world_t *w = client->world;
    for (member_t m = 0; m < w->options.members; m++)
        if (world_is_honest(w, m) && client_lies(client->core, m) > 0)
            violate(w, VIOLATION_HISTORY, "client %u counts %llu lies of the honest member %u",
                    client->index, (unsigned long long)client_lies(client->core, m), m);
}
