/* Handshake with the replicas: hello both ways, then the proof of the session key over the
 * replica's own random number, so that replies come over this link even for requests that another
 * replica was sent. The channel says who a replica is; its hello has to agree (attack K5). */
#include "client/client_state.h"
#include "codec/hello.h"

static hello_t our_hello(client_t *c) {
    return (hello_t){.domain = c->config.committee->domain,
                     .epoch = c->config.committee->epoch,
                     .protocol = c->config.protocol,
                     .role = ROLE_CLIENT,
                     .member = MEMBER_NONE,
                     .connection = prng_next(&c->prng)};
}

member_t link_member(const client_t *c, client_link_t link) {
    for (member_t member = 0; link != CLIENT_LINK_NONE && member < c->config.committee->size;
         member++) {
        if (c->peers[member].link == link) {
            return member;
        }
    }
    return MEMBER_NONE;
}

void client_link_take(client_t *c, client_link_t link, member_t member) {
    require(link != CLIENT_LINK_NONE && member < c->config.committee->size);
    peer_t *peer = &c->peers[member];
    if (peer->link != CLIENT_LINK_NONE) {
        c->config.host->close(c->config.host->context, peer->link); /* attack N10 */
        link_lost(c, member);
    }
    peer->link = link;
    uint8_t frame[FRAME_HEADER_BYTES + HELLO_BYTES_MAX];
    writer_t writer = writer_of(frame + FRAME_HEADER_BYTES, HELLO_BYTES_MAX);
    const hello_t hello = our_hello(c);
    hello_encode(&hello, &writer);
    ensure(!writer.failed);
    frame_seal(frame, FRAME_HELLO, writer.at);
    c->config.host->send(c->config.host->context, link,
                         bytes_of(frame, FRAME_HEADER_BYTES + writer.at));
}

void link_lost(client_t *c, member_t member) {
    peer_t *peer = &c->peers[member];
    invariant(peer->link != CLIENT_LINK_NONE);
    peer->link = CLIENT_LINK_NONE;
    peer->hint = MEMBER_NONE;
    if (!peer->greeted) {
        return;
    }
    peer->greeted = false;
    c->greeted--;
    if (c->preferred == member) {
        c->preferred = MEMBER_NONE;
    }
    batch_lost(c, member);
}

/* Says why, for people, and closes. */
static void refuse(client_t *c, member_t member, synod_status status, const char *reason) {
    peer_t *peer = &c->peers[member];
    client_log(c, 1, "refuse", "member=%u why=\"%s\"", member, reason);
    goodbye_t goodbye = {.status = status};
    size_t length = strlen(reason);
    length = length < sizeof goodbye.reason ? length : sizeof goodbye.reason - 1;
    memcpy(goodbye.reason, reason, length);
    uint8_t frame[FRAME_HEADER_BYTES + GOODBYE_BYTES_MAX];
    writer_t writer = writer_of(frame + FRAME_HEADER_BYTES, GOODBYE_BYTES_MAX);
    goodbye_encode(&goodbye, &writer);
    ensure(!writer.failed);
    frame_seal(frame, FRAME_GOODBYE, writer.at);
    c->config.host->send(c->config.host->context, peer->link,
                         bytes_of(frame, FRAME_HEADER_BYTES + writer.at));
    c->config.host->close(c->config.host->context, peer->link);
    c->counters.frames_dropped++;
    link_lost(c, member);
}

/* Signed once a link; sent again by link_attach_all. */
static void make_attach(client_t *c, member_t member, uint64_t connection) {
    peer_t *peer = &c->peers[member];
    const signer_t *signer = c->config.signer;
    attach_t attach = {.key = signer->key};
    uint8_t message[ATTACH_SIGNED_BYTES];
    attach_signed_bytes(&c->config.committee->domain, member, connection, &attach.key, message);
    signer->sign(signer->context, bytes_of(message, sizeof message), &attach.signature);
    writer_t writer = writer_of(peer->attach + FRAME_HEADER_BYTES, ATTACH_BYTES);
    attach_encode(&attach, &writer);
    ensure(!writer.failed && writer.at == ATTACH_BYTES);
    frame_seal(peer->attach, FRAME_ATTACH, ATTACH_BYTES);
}

static void send_attach(client_t *c, member_t member) {
    peer_t *peer = &c->peers[member];
    peer->attached_ns = c->now_ns;
    (void)send_to(c, member, bytes_of(peer->attach, sizeof peer->attach));
}

void link_attach_all(client_t *c, uint64_t pause_ns) {
    for (member_t member = 0; member < c->config.committee->size; member++) {
        const peer_t *peer = &c->peers[member];
        if (peer->greeted && c->now_ns - peer->attached_ns >= pause_ns) {
            send_attach(c, member);
        }
    }
}

void link_hello(client_t *c, member_t member, bytes_t body) {
    peer_t *peer = &c->peers[member];
    reader_t reader = reader_of(body);
    hello_t theirs;
    if (hello_decode(&reader, &theirs) != SYNOD_OK || !reader_done(&reader)) {
        refuse(c, member, SYNOD_MALFORMED, "hello cannot be read");
        return;
    }
    if (theirs.role != ROLE_MEMBER || theirs.member != member) {
        refuse(c, member, SYNOD_NOT_MEMBER, "hello names another member than the channel's key");
        return;
    }
    const hello_t ours = our_hello(c);
    char reason[160];
    synod_status status = hello_judge(&ours, &theirs, reason, sizeof reason);
    if (status != SYNOD_OK) {
        refuse(c, member, status, reason);
        return;
    }
    if (peer->greeted) { /* once a link is enough */
        c->counters.frames_dropped++;
        return;
    }
    peer->greeted = true;
    c->greeted++;
    make_attach(c, member, theirs.connection);
    if (c->phase != CLIENT_IDLE) {
        send_attach(c, member); /* who only reads has no key to prove */
    }
    session_open_to(c, member);
    batch_greet(c, member);
    query_greet(c, member);
}
