/* Bytes to frames: reading the socket, decrypting, cutting, giving.
 *
 * Everything that one read brought is decrypted at once, so that no ciphertext waits; what the turn
 * does not allow to be given waits as plain text, and the socket is not read until it is done. So a
 * link holds at most one frame, what one read brings, and nothing else. */
#include <stdio.h>

#include "adapter/net_state.h"
#include "base/check.h"

/* ---- frames ---- */

static void answer_ping(net_link_t *link, bytes_t body) {
    link_queue_frame(link, FRAME_PONG, body);
}

static void give(net_link_t *link, frame_t frame) {
    net_t *net = link->net;
    net->counters.frames_in++;
    net->counters.bytes_in += FRAME_HEADER_BYTES + frame.body.size;
    net->counters.kind_bytes_in[frame.kind] += FRAME_HEADER_BYTES + frame.body.size;
    if (!link->greeted) {
        link->greeted = true;
        link->ping_ms = net->options.ping_interval_ms;
        if (link->dialled) {
            dial_heard(net, link->member);
        }
    }
    if (frame.kind == FRAME_PING) {
        answer_ping(link, frame.body);
    } else if (frame.kind != FRAME_PONG) {
        net->dirty = true;
        net->events.on_frame(net->events.context, link->id, frame);
    }
}

static void refuse_frame(net_link_t *link, synod_status status) {
    char why[128];
    const uint8_t *at = buffer_bytes(&link->in).data;
    (void)snprintf(why, sizeof why, "frame of length %u, version %u, kind %u: %s", load_u32(at),
                   load_u16(at + 4), load_u16(at + 6), synod_status_text(status));
    link->net->counters.malformed++;
    link_refuse(link, status, why);
}

/* False when this peer had its share of the turn (attack N7). */
static bool turn_allows(net_link_t *link) {
    if (link->turn != link->net->turn) {
        link->turn = link->net->turn;
        link->turn_frames = 0;
        link->turn_bytes = 0;
    }
    return link->turn_frames < TURN_FRAMES_MAX && link->turn_bytes < TURN_BYTES_MAX;
}

static void wait_for_turn(net_link_t *link) {
    net_t *net = link->net;
    net->counters.turns_cut++;
    link->backlog = true;
    net->backlog[net->backlog_count++] = (uint32_t)(link - net->links);
    (void)uv_read_stop((uv_stream_t *)&link->tcp);
}

/* Since when a frame is incomplete. */
static void note_partial(net_link_t *link, bool progress) {
    if (buffer_size(&link->in) == 0) {
        link->partial_ms = 0;
    } else if (progress || link->partial_ms == 0) {
        link->partial_ms = net_now_ms(link->net);
    }
}

static void deliver_frames(net_link_t *link) {
    bool progress = false;
    while (link->state == LINK_OPEN && !link->close_wanted && link->doomed == NULL) {
        frame_t frame;
        size_t used = 0;
        synod_status status = frame_decode(buffer_bytes(&link->in), &frame, &used);
        if (status == SYNOD_TRUNCATED) {
            break;
        }
        if (status != SYNOD_OK) {
            refuse_frame(link, status);
            return;
        }
        if (!turn_allows(link)) {
            wait_for_turn(link);
            return;
        }
        link->turn_frames++;
        link->turn_bytes += used;
        give(link, frame);
        buffer_consume(&link->in, used);
        progress = true;
    }
    note_partial(link, progress);
    if (link->state == LINK_OPEN && link->ended != NULL) {
        link_fail(link, LOG_INFO, "ended", link->ended);
    }
}

void link_deliver(net_link_t *link) {
    stage_t before = meter_stage(STAGE_GATE);
    deliver_frames(link);
    (void)meter_stage(before);
}

/* ---- bytes ---- */

/* All that was fed becomes plain text. False when the link has failed. */
static bool decrypt(net_link_t *link) {
    for (;;) {
        size_t got = 0;
        uint8_t *room = buffer_reserve(&link->in, RECORD_BYTES);
        if (room == NULL) {
            link->net->counters.overflows++;
            link_fail(link, LOG_WARNING, "lost", "the memory for clients is used up");
            return false;
        }
        switch (tls_read(&link->tls, room, RECORD_BYTES, &got)) {
        case TLS_DONE:
            buffer_fill(&link->in, got);
            break;
        case TLS_AGAIN:
            return true;
        case TLS_CLOSED:
            link->ended = "closed by the peer";
            return true;
        default:
            link_flush(link); /* the alert */
            link_fail(link, LOG_WARNING, "lost", link->tls.failure);
            return false;
        }
    }
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *piece) {
    const net_link_t *link = handle->data;
    (void)suggested;
    *piece = uv_buf_init((char *)link->net->read_room, sizeof link->net->read_room);
}

static void on_end(net_link_t *link, int result) {
    const char *why = result == UV_EOF ? "closed by the peer" : uv_strerror(result);
    if (link->state == LINK_DRAINING) {
        link_close(link);
    } else if (link->state == LINK_SHAKING) {
        link->net->counters.handshakes_failed++;
        link_fail(link, LOG_INFO, "handshake", why);
    } else {
        (void)uv_read_stop((uv_stream_t *)&link->tcp);
        link->ended = why;
        link_deliver(link);
    }
}

static void on_read(uv_stream_t *stream, ssize_t result, const uv_buf_t *piece) {
    net_link_t *link = stream->data;
    if (result < 0) {
        on_end(link, (int)result);
        return;
    }
    if (result == 0 || link->state == LINK_DRAINING) {
        return;
    }
    invariant(link->state == LINK_SHAKING || link->state == LINK_OPEN);
    link->heard_ms = net_now_ms(link->net);
    stage_t before = meter_stage(STAGE_TLS);
    tls_feed(&link->tls, bytes_of(piece->base, (size_t)result));
    if (link->state == LINK_SHAKING) {
        link_shake(link);
    }
    bool good = link->state == LINK_OPEN && decrypt(link);
    (void)meter_stage(before);
    if (good) {
        if (buffer_size(&link->wire) > 0) {
            link_mark(link);
        }
        link_deliver(link);
    }
}

void link_read_start(net_link_t *link) {
    int error = uv_read_start((uv_stream_t *)&link->tcp, on_allocate, on_read);
    if (error != 0 && error != UV_EALREADY) {
        link->doomed = "its socket cannot be read";
        link_mark(link);
    }
}
