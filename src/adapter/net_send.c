/* Lanes, encryption, writing.
 *
 * A frame waits in its lane as plain bytes until the wire has room, so that consensus overtakes
 * what was queued before it. A lane holds whole frames; they go to TLS in runs, and the ciphertext
 * of a turn goes to the socket in one write. */
#include <stdio.h>

#include "adapter/net_state.h"
#include "base/check.h"
#include "codec/hello.h"

/* A proposal has up to 4 MiB; four of them, or all the votes of minutes. */
static const size_t lane_bytes_max[LANE_COUNT] = {
    [LANE_CONSENSUS] = (size_t)16 << 20,
    [LANE_CLIENT] = (size_t)8 << 20,
    [LANE_BULK] = LANE_BULK_BYTES,
};

void link_mark(net_link_t *link) {
    net_t *net = link->net;
    if (!link->attention) {
        link->attention = true;
        net->attention[net->attention_count++] = (uint32_t)(link - net->links);
    }
}

static bool lanes_are_empty(const net_link_t *link) {
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        if (buffer_size(&link->lanes[lane]) > 0) {
            return false;
        }
    }
    return true;
}

/* A large frame for an idle link need not be copied first. */
static bool goes_direct(const net_link_t *link, bytes_t frame) {
    return frame.size >= DIRECT_BYTES && lanes_are_empty(link) &&
           buffer_size(&link->wire) < WIRE_HIGH_BYTES;
}

bool link_queue(net_link_t *link, lane_t lane, bytes_t frame) {
    buffer_t *queue = &link->lanes[lane];
    if (goes_direct(link, frame)) {
        stage_t before = meter_stage(STAGE_TLS);
        tls_step_t step = tls_write(&link->tls, frame);
        (void)meter_stage(before);
        if (step != TLS_DONE) {
            /* Half a frame may have left: the stream is lost. */
            link->doomed = "TLS cannot encrypt, or no memory is left for it";
        }
    } else if (buffer_size(queue) + frame.size > lane_bytes_max[lane] ||
               !buffer_append(queue, frame)) {
        return false;
    }
    link->net->counters.frames_out++;
    link->net->counters.bytes_out += frame.size;
    link->net->counters.kind_bytes_out[load_u16(frame.data + 6)] += frame.size;
    if (link->net->options.meter != NULL) {
        meter_add(&link->net->options.meter->frame_bytes_out[load_u16(frame.data + 6)], frame.size);
    }
    link_mark(link);
    return true;
}

void link_queue_frame(net_link_t *link, frame_kind_t kind, bytes_t body) {
    uint8_t frame[FRAME_HEADER_BYTES + HELLO_BYTES_MAX];
    require(body.size <= HELLO_BYTES_MAX);
    if (body.size > 0) {
        memcpy(frame + FRAME_HEADER_BYTES, body.data, body.size);
    }
    frame_seal(frame, kind, body.size);
    /* Without room the peer does not read, and its own bounds will end the link. */
    (void)link_queue(link, LANE_CONSENSUS, bytes_of(frame, FRAME_HEADER_BYTES + body.size));
}

/* Consensus must arrive or the peer must know that it did not; a client that does not read its
 * replies is of no use; the rest is asked for again (attack N4). */
static void overflow(net_link_t *link, lane_t lane) {
    net_counters_t *counters = &link->net->counters;
    counters->frames_dropped[lane]++;
    bool fatal = lane == LANE_CONSENSUS || (lane == LANE_CLIENT && link->member == MEMBER_NONE);
    if (fatal && link->doomed == NULL) {
        counters->overflows++;
        link->doomed = "it does not read: its queue is full";
        link_mark(link);
    }
}

void net_send(net_t *net, const link_t *links, uint32_t count, lane_t lane, bytes_t frame) {
    require(lane < LANE_COUNT);
    require(frame.size >= FRAME_HEADER_BYTES && frame.size <= FRAME_HEADER_BYTES + FRAME_BODY_MAX);
    for (uint32_t index = 0; index < count; index++) {
        net_link_t *link = net_find(net, links[index]);
        if (link != NULL && link->state == LINK_OPEN && !link->close_wanted &&
            link->doomed == NULL && !link_queue(link, lane, frame)) {
            overflow(link, lane);
        }
    }
}

void net_close(net_t *net, link_t id) {
    net_link_t *link = net_find(net, id);
    if (link != NULL && link->state == LINK_OPEN) {
        link->close_wanted = true;
        link_mark(link);
    }
}

/* ---- encryption ---- */

/* How many bytes from the front of the lane: whole frames, up to about GATHER_BYTES. */
static size_t run_of(const buffer_t *lane) {
    bytes_t bytes = buffer_bytes(lane);
    if (bytes.size <= GATHER_BYTES) {
        return bytes.size;
    }
    size_t run = 0;
    while (run < GATHER_BYTES && run < bytes.size) {
        run += FRAME_HEADER_BYTES + (size_t)load_u32(bytes.data + run);
    }
    invariant(run <= bytes.size);
    return run;
}

/* False when the link has failed. */
static bool encrypt_lanes(net_link_t *link) {
    if (lanes_are_empty(link)) {
        return true;
    }
    stage_t before = meter_stage(STAGE_TLS);
    bool good = true;
    for (int lane = 0; lane < LANE_COUNT && good; lane++) {
        buffer_t *queue = &link->lanes[lane];
        while (good && buffer_size(queue) > 0 && buffer_size(&link->wire) < WIRE_HIGH_BYTES) {
            size_t run = run_of(queue);
            good = tls_write(&link->tls, bytes_of(buffer_bytes(queue).data, run)) == TLS_DONE;
            buffer_consume(queue, run);
        }
    }
    (void)meter_stage(before);
    if (!good) {
        link_fail(link, LOG_WARNING, "lost", link->tls.failure);
    }
    return good;
}

/* ---- writing ---- */

static void on_shut(uv_shutdown_t *request, int status) {
    net_link_t *link = request->data;
    link->shutdown_runs = false;
    if (status < 0 && status != UV_ECANCELED) {
        link_close(link);
    }
    /* Else the peer closes its end when it has read all, or the time of the drain runs out: closing
     * at once could reset the connection and take the goodbye with it. */
}

/* All has left: say so in TLS, then in TCP. */
static void finish(net_link_t *link) {
    if (!link->finished) {
        link->finished = true;
        tls_finish(&link->tls);
        link_flush(link);
        return;
    }
    if (link->shutdown_runs) {
        return;
    }
    link->shutdown.data = link;
    link->shutdown_runs = true;
    if (uv_shutdown(&link->shutdown, (uv_stream_t *)&link->tcp, on_shut) != 0) {
        link->shutdown_runs = false;
        link_close(link);
    }
}

static void on_written(uv_write_t *request, int status) {
    net_link_t *link = request->data;
    link->write_runs = false;
    buffer_consume(&link->writing, buffer_size(&link->writing));
    if (link->state == LINK_CLOSING) {
        return;
    }
    if (status < 0) {
        link_fail(link, LOG_INFO, "lost", uv_strerror(status));
        return;
    }
    link_mark(link);
}

/* What the socket takes at once, and the rest by a request. False when the link has failed. */
static bool write_wire(net_link_t *link) {
    uv_stream_t *stream = (uv_stream_t *)&link->tcp;
    bytes_t bytes = buffer_bytes(&link->wire);
    uv_buf_t piece = uv_buf_init((char *)link->wire.data + link->wire.head, (unsigned)bytes.size);
    stage_t before = meter_stage(STAGE_WRITE_SOCKET);
    int taken = uv_try_write(stream, &piece, 1);
    (void)meter_stage(before);
    if (taken < 0 && taken != UV_EAGAIN) {
        link_fail(link, LOG_INFO, "lost", uv_strerror(taken));
        return false;
    }
    buffer_consume(&link->wire, taken > 0 ? (size_t)taken : 0);
    if (buffer_size(&link->wire) == 0) {
        return true;
    }
    buffer_t empty = link->writing;
    link->writing = link->wire;
    link->wire = empty;
    piece = uv_buf_init((char *)link->writing.data + link->writing.head,
                        (unsigned)buffer_size(&link->writing));
    link->write.data = link;
    int error = uv_write(&link->write, stream, &piece, 1, on_written);
    if (error != 0) {
        link_fail(link, LOG_INFO, "lost", uv_strerror(error));
        return false;
    }
    link->write_runs = true;
    return true;
}

void link_flush(net_link_t *link) {
    if (link->state < LINK_SHAKING || link->state > LINK_DRAINING) {
        return;
    }
    bool may_encrypt = link->state != LINK_SHAKING && !link->finished;
    if (may_encrypt && !encrypt_lanes(link)) {
        return;
    }
    if (link->write_runs) {
        return;
    }
    if (buffer_size(&link->wire) > 0 && !write_wire(link)) {
        return;
    }
    if (may_encrypt && !link->write_runs && !lanes_are_empty(link)) {
        link_mark(link); /* the socket took all: more next turn */
    } else if (link->state == LINK_DRAINING && !link->write_runs && lanes_are_empty(link)) {
        finish(link);
    }
}

void link_trim(net_link_t *link) {
    buffer_trim(&link->in);
    buffer_trim(&link->wire);
    if (!link->write_runs) {
        buffer_trim(&link->writing);
    }
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        buffer_trim(&link->lanes[lane]);
    }
}
