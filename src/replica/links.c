/* Members and clients: handshake, attached session keys, queries. The channel says who a member is;
 * its hello has to agree (attack K5). A newer channel of the same member takes the place of the
 * older one, which may be half-open (attack N10). */
#include "replica/state.h"

void link_send(replica_t *r, link_t link, lane_t lane, frame_kind_t kind, size_t body_size) {
    frame_seal(r->frame, kind, body_size);
    r->config.host->send(r->config.host->context, &link, 1, lane,
                         bytes_of(r->frame, FRAME_HEADER_BYTES + body_size));
}

replica_link_t *link_find(replica_t *r, link_t link) {
    uint32_t slot = map_get(&r->link_index, link);
    return slot == MAP_NONE ? NULL : &r->links[slot];
}

static void link_free(replica_t *r, replica_link_t *link) {
    map_remove(&r->link_index, link->link);
    if (link->member != MEMBER_NONE && r->member_links[link->member] == link->link)
        r->member_links[link->member] = LINK_NONE;
    if (r->serve.busy && r->serve.link == link->link)
        r->serve.link = LINK_NONE;
    if (r->snapshots.serve.link == link->link)
        r->snapshots.serve.link = LINK_NONE;
    link->link = LINK_NONE;
}

void refuse_link(replica_t *r, replica_link_t *link, synod_status status, const char *reason) {
    goodbye_t goodbye = {.status = status};
    snprintf(goodbye.reason, sizeof goodbye.reason, "%s", reason);
    quota_log(r, link->member, 1, "link", "refuse", "link=%llu member=%d why=\"%s\"",
              (unsigned long long)link->link, link->member == MEMBER_NONE ? -1 : (int)link->member,
              reason);
    writer_t writer = frame_writer(r);
    goodbye_encode(&goodbye, &writer);
    link_send(r, link->link, LANE_CONSENSUS, FRAME_GOODBYE, writer.at);
    r->config.host->close(r->config.host->context, link->link);
    link_free(r, link);
}

static hello_t our_hello(const replica_t *r, uint64_t connection) {
    return (hello_t){.domain = r->config.committee->domain,
                     .epoch = r->config.committee->epoch,
                     .protocol = r->config.protocol->id,
                     .role = ROLE_MEMBER,
                     .member = r->config.self,
                     .parameters = r->config.chain.core,
                     .connection = connection};
}

/* Clients leave room for two channels of each member (they may dial each other at once), and a
 * third one of a member takes the place of one that did not greet: nobody shuts the others out. */
static bool may_enter(replica_t *r, member_t member) {
    uint32_t clients = 0, same = 0;
    replica_link_t *silent = NULL;
    for (uint32_t i = 0; i < r->links_max; i++) {
        replica_link_t *link = &r->links[i];
        if (link->link == LINK_NONE)
            continue;
        clients += link->member == MEMBER_NONE ? 1 : 0;
        same += link->member == member ? 1 : 0;
        if (link->member == member && !link->greeted)
            silent = link;
    }
    if (member == MEMBER_NONE)
        return clients < r->links_max - 2 * r->config.committee->size;
    if (same >= 2 && silent != NULL) {
        r->config.host->close(r->config.host->context, silent->link);
        link_free(r, silent);
    }
    return true;
}

/* Whoever hears it sends what waits, at once and then ever more seldom. */
static void say_hello(replica_t *r, const replica_link_t *link) {
    hello_t hello = our_hello(r, link->connection);
    writer_t writer = frame_writer(r);
    hello_encode(&hello, &writer);
    link_send(r, link->link, LANE_CONSENSUS, FRAME_HELLO, writer.at);
}

static void meet(replica_t *r, replica_link_t *link) {
    sync_greet(r, link);
    attest_greet(r, link);
    r->payload->met(r, link->member);
}

void links_recovered(replica_t *r) {
    for (uint32_t i = 0; i < r->links_max; i++)
        if (r->links[i].link != LINK_NONE)
            say_hello(r, &r->links[i]);
    for (member_t m = 0; m < r->config.committee->size; m++) {
        link_t link = r->member_links[m];
        if (link != LINK_NONE)
            meet(r, link_find(r, link));
    }
}

void link_up(replica_t *r, link_t link, member_t member, uint64_t connection) {
    replica_link_t *entry = NULL;
    bool may = !quota_refused(r, member) && may_enter(r, member);
    uint32_t slot = 0;
    for (; may && slot < r->links_max && entry == NULL; slot++)
        if (r->links[slot].link == LINK_NONE)
            entry = &r->links[slot];
    if (entry == NULL) {
        r->frames_dropped++;
        r->config.host->close(r->config.host->context, link);
        return;
    }
    *entry = (replica_link_t){.link = link, .member = member, .connection = connection};
    bool put = map_put(&r->link_index, link, slot - 1);
    ensure(put);
    if (r->phase == REPLICA_RUNNING)
        say_hello(r, entry);
}

void link_down(replica_t *r, link_t link) {
    replica_link_t *entry = link_find(r, link);
    if (entry == NULL)
        return;
    if (entry->member != MEMBER_NONE)
        quota_log(r, entry->member, 2, "link", "down", "member=%u", entry->member);
    link_free(r, entry);
}

void link_on_hello(replica_t *r, replica_link_t *link, bytes_t body) {
    reader_t reader = reader_of(body);
    hello_t theirs, ours = our_hello(r, link->connection);
    char reason[160];
    synod_status status = hello_decode(&reader, &theirs);
    if (status != SYNOD_OK || !reader_done(&reader)) {
        refuse_link(r, link, SYNOD_MALFORMED, "hello cannot be read");
        return;
    }
    if (link->greeted) {
        gate_drop(r, link, SYNOD_DUPLICATE, "hello", 1); /* it would make us forward all again */
        return;
    }
    bool is_member = theirs.role == ROLE_MEMBER;
    if (is_member != (link->member != MEMBER_NONE) ||
        (is_member && theirs.member != link->member)) {
        refuse_link(r, link, SYNOD_NOT_MEMBER, "hello names a member whose key the channel lacks");
        return;
    }
    status = hello_judge(&ours, &theirs, reason, sizeof reason);
    if (status != SYNOD_OK) {
        refuse_link(r, link, status, reason);
        return;
    }
    link->greeted = true;
    if (!is_member)
        return;
    link_t before = r->member_links[link->member];
    r->member_links[link->member] = link->link;
    replica_link_t *old = before == LINK_NONE ? NULL : link_find(r, before);
    if (old != NULL && old != link) {
        r->config.host->close(r->config.host->context, before);
        link_free(r, old);
        r->member_links[link->member] = link->link;
    }
    quota_log(r, link->member, 2, "link", "up", "member=%u", link->member);
    if (r->phase == REPLICA_RUNNING)
        meet(r, link);
}

/* ---- attached session keys ---- */

static uint64_t key_index(const replica_t *r, const key_public_t *key) {
    return (load_u64(key->bytes) ^ r->known_secret) * UINT64_C(0x9E3779B97F4A7C15) ^
           load_u64(key->bytes + 8);
}

static attachment_t *find_attachment(replica_t *r, const key_public_t *key) {
    uint32_t slot = map_get(&r->attachment_index, key_index(r, key));
    if (slot == MAP_NONE ||
        memcmp(r->attachments[slot].key.bytes, key->bytes, sizeof key->bytes) != 0)
        return NULL;
    return &r->attachments[slot];
}

link_t attached_link(replica_t *r, const key_public_t *key) {
    attachment_t *attachment = find_attachment(r, key);
    if (attachment == NULL || link_find(r, attachment->link) == NULL)
        return LINK_NONE;
    attachment->used = ++r->attachment_clock;
    return attachment->link;
}

static void detach(replica_t *r, attachment_t *attachment) {
    replica_link_t *link = link_find(r, attachment->link);
    if (link != NULL)
        link->attached--;
}

/* A free place, else the least recently used one of the link that holds the most: whoever brings
 * thousands of keys throws out its own (attack N7). Keys of links that are gone go first. */
static attachment_t *take_attachment(replica_t *r) {
    if (r->attachment_count < ATTACHMENTS_MAX)
        return &r->attachments[r->attachment_count++];
    attachment_t *victim = NULL;
    uint32_t most = 0;
    for (uint32_t i = 0; i < ATTACHMENTS_MAX; i++) {
        const replica_link_t *link = link_find(r, r->attachments[i].link);
        uint32_t held = link == NULL ? UINT32_MAX : link->attached;
        if (victim == NULL || held > most ||
            (held == most && r->attachments[i].used < victim->used)) {
            victim = &r->attachments[i];
            most = held;
        }
    }
    map_remove(&r->attachment_index, key_index(r, &victim->key));
    detach(r, victim);
    return victim;
}

void link_attach(replica_t *r, replica_link_t *link, bytes_t body) {
    reader_t reader = reader_of(body);
    attach_t attach;
    const verifier_t *verifier = r->config.committee->verifier;
    synod_status status = attach_decode(&reader, &attach);
    if (status == SYNOD_OK && !reader_done(&reader))
        status = SYNOD_MALFORMED;
    if (status == SYNOD_OK && !quota_work(r, link, ATTACH_WORK_NS))
        return;
    if (status == SYNOD_OK) {
        uint8_t bytes[ATTACH_SIGNED_BYTES];
        attach_signed_bytes(&r->config.committee->domain, r->config.self, link->connection,
                            &attach.key, bytes);
        status = verifier->verify(verifier->context, &attach.key, bytes_of(bytes, sizeof bytes),
                                  &attach.signature);
    }
    if (status != SYNOD_OK) {
        gate_drop(r, link, status, "attach", 1);
        return;
    }
    attachment_t *attachment = find_attachment(r, &attach.key);
    if (attachment == NULL) {
        attachment = take_attachment(r);
        attachment->key = attach.key;
        bool put = map_put(&r->attachment_index, key_index(r, &attach.key),
                           (uint32_t)(attachment - r->attachments));
        ensure(put);
    } else {
        detach(r, attachment);
    }
    link->attached++;
    attachment->link = link->link;
    attachment->used = ++r->attachment_clock;
}

/* ---- questions of clients ---- */

typedef struct sink {
    writer_t *writer;
} sink_t;

static bool sink_put(void *context, bytes_t bytes) {
    writer_t *writer = ((sink_t *)context)->writer;
    if (bytes.size > writer->size - writer->at)
        return false;
    write_bytes(writer, bytes.data, bytes.size);
    return true;
}

void query_answer(replica_t *r, bytes_t query, bool prove, query_reply_t *answer) {
    /* Answer and proof have a bounded room each; a larger answer is the application's typed error.
     */
    writer_t reply_room = writer_of(r->query_room, QUERY_BYTES_MAX);
    writer_t proof_room = writer_of(r->query_room + QUERY_BYTES_MAX, QUERY_BYTES_MAX);
    sink_t reply_sink = {&reply_room}, proof_sink = {&proof_room};
    synod_writer reply = {sink_put, &reply_sink, QUERY_BYTES_MAX};
    synod_writer proof = {sink_put, &proof_sink, QUERY_BYTES_MAX};
    /* The tree is between two roots: it proves nothing, for a moment. */
    answer->status = prove && r->rooting != 0
                         ? SYNOD_BUSY
                         : ledger_query(r->ledger, query, prove, &reply, &proof);
    answer->height = prove ? r->root_height : ledger_height(r->ledger);
    answer->root = prove ? r->application_root : (digest_t){{0}};
    answer->reply = writer_bytes(&reply_room);
    answer->proof = writer_bytes(&proof_room);
}

void answer_query(replica_t *r, replica_link_t *link, bytes_t body) {
    reader_t reader = reader_of(body);
    query_t query;
    synod_status status = query_decode(&reader, &query);
    if (status != SYNOD_OK || !reader_done(&reader)) {
        gate_drop(r, link, SYNOD_MALFORMED, "query", 1);
        return;
    }
    query_reply_t answer = {.number = query.number,
                            .status = SYNOD_BUSY,
                            .height = query.prove ? r->root_height : ledger_height(r->ledger),
                            .root = query.prove ? r->application_root : (digest_t){{0}}};
    if (quota_work(r, link, query.prove ? PROOF_WORK_NS : QUERY_WORK_NS))
        query_answer(r, query.query, query.prove, &answer);
    (void)quota_work(r, link, answer.reply.size + answer.proof.size); /* a nanosecond a byte */
    writer_t writer = frame_writer(r);
    query_reply_encode(&answer, &writer);
    ensure(!writer.failed);
    link_send(r, link->link, LANE_CLIENT, FRAME_QUERY_REPLY, writer.at);
}

void answer_status(replica_t *r, replica_link_t *link, bytes_t body) {
    status_report_t report;
    if (body.size != STATUS_ASK_BYTES) {
        gate_drop(r, link, SYNOD_MALFORMED, "status ask", 1);
        return;
    }
    replica_report(r, r->now, &report);
    report.question = load_u64(body.data);
    writer_t writer = frame_writer(r);
    status_report_encode(&report, &writer);
    link_send(r, link->link, LANE_CLIENT, FRAME_STATUS, writer.at);
}
