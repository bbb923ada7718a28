/* Inputs and looking. Each input is: take the time, do the part's work, send what may go now. */
#include "client/client_core.h"

#include <stdarg.h>
#include <stdio.h>

#include "client/client_state.h"
#include "codec/hello.h"

static void enter(client_t *c, uint64_t now_ns) {
    require(now_ns >= c->now_ns);
    c->now_ns = now_ns;
}

void client_log(client_t *c, int level, const char *event, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(c->text, sizeof c->text, format, arguments);
    va_end(arguments);
    c->config.host->log(c->config.host->context, level, event, c->text);
}

void client_wake(client_t *c, uint64_t at_ns) {
    if (at_ns < c->wake_at) {
        c->wake_at = at_ns;
        c->config.host->wake(c->config.host->context, at_ns);
    }
}

/* ---- inputs ---- */

void client_start(client_t *c, uint64_t now_ns) {
    enter(c, now_ns);
    require(c->phase == CLIENT_IDLE);
    link_attach_all(c, 0);
    session_open(c);
}

void client_on_link_up(client_t *c, uint64_t now_ns, client_link_t link, member_t member) {
    enter(c, now_ns);
    client_link_take(c, link, member);
    batch_pump(c);
}

void client_on_link_down(client_t *c, uint64_t now_ns, client_link_t link) {
    enter(c, now_ns);
    const member_t member = link_member(c, link);
    if (member != MEMBER_NONE) {
        link_lost(c, member);
        batch_pump(c);
    }
}

static void log_goodbye(client_t *c, member_t member, bytes_t body) {
    reader_t reader = reader_of(body);
    goodbye_t goodbye;
    if (goodbye_decode(&reader, &goodbye) == SYNOD_OK) {
        client_log(c, 1, "goodbye", "member=%u status=%d reason=\"%s\"", member,
                   (int)goodbye.status, goodbye.reason);
    }
}

static void answer_ping(client_t *c, member_t member, bytes_t body) {
    uint8_t frame[FRAME_HEADER_BYTES + FRAME_PING_MAX];
    require(body.size <= FRAME_PING_MAX); /* frame_decode bounds it */
    if (body.size > 0) {
        memcpy(frame + FRAME_HEADER_BYTES, body.data, body.size);
    }
    frame_seal(frame, FRAME_PONG, body.size);
    (void)send_to(c, member, bytes_of(frame, FRAME_HEADER_BYTES + body.size));
}

static void take_frame(client_t *c, member_t member, frame_t frame) {
    if (frame.kind == FRAME_HELLO) {
        link_hello(c, member, frame.body);
        return;
    }
    if (frame.kind == FRAME_GOODBYE) {
        log_goodbye(c, member, frame.body);
        return;
    }
    if (!c->peers[member].greeted) {
        c->counters.frames_dropped++;
        return;
    }
    switch (frame.kind) {
    case FRAME_REPLY:
        reply_take(c, member, frame.body);
        break;
    case FRAME_QUERY_REPLY:
        query_take(c, member, frame.body);
        break;
    case FRAME_PING:
        answer_ping(c, member, frame.body);
        break;
    default:
        c->counters.frames_dropped++;
        break;
    }
}

void client_on_frame(client_t *c, uint64_t now_ns, client_link_t link, frame_t frame) {
    enter(c, now_ns);
    const member_t member = link_member(c, link);
    if (member == MEMBER_NONE) { /* of a link that was replaced (attack C5) */
        c->counters.frames_dropped++;
        return;
    }
    take_frame(c, member, frame);
    batch_pump(c);
}

void client_on_tick(client_t *c, uint64_t now_ns) {
    enter(c, now_ns);
    c->wake_at = TIME_NEVER; /* what still waits wishes again */
    session_tick(c);
    batch_report_unknown(c);
    batch_give_up(c);
    batch_retry_due(c);
    query_tick(c);
    batch_pump(c);
}

/* ---- looking ---- */

void client_counters(const client_t *c, client_counters_t *counters) {
    *counters = c->counters;
}

uint64_t client_lies(const client_t *c, member_t member) {
    require(member < c->config.committee->size);
    return c->peers[member].lies;
}

uint64_t client_waiting(const client_t *c) {
    return c->unfinished;
}

uint64_t client_session(const client_t *c) {
    return c->session;
}

member_t client_preferred(const client_t *c) {
    return c->preferred;
}
