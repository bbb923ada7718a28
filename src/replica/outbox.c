/* The outbox: signs, encodes once, and holds back what promises something until the disk has all
 * that was asked for before it (rule 4: persist before you speak; one FIFO for the node). A
 * member's own messages take the same way and come back to its core only then (attack Q12). */
#include "base/arena.h"
#include "replica/state.h"

static void sign(replica_t *r, message_t *message) {
    const phase_t *phase = &r->config.protocol->phases[message->statement.phase];
    if (phase->authentication != AUTH_SIGNATURE)
        return;
    uint8_t bytes[STATEMENT_BYTES];
    statement_encode(&message->statement, &r->config.committee->domain, bytes);
    stage_t before = host_stage(r->config.host, STAGE_MESSAGE_SIGNATURE);
    r->config.signer->sign(r->config.signer->context, bytes_of(bytes, sizeof bytes),
                           &message->signature);
    host_stage(r->config.host, before);
    known_add(r, message->author, bytes, &message->signature);
}

/* Message and, for a proposal, its payload, in the frame buffer. 0: the payload is not here (the
 * block store made room by dropping it). */
static size_t encode(replica_t *r, const message_t *message) {
    if (message->block != NULL)
        keep_own_proposal(r, &message->statement.digest, message->block);
    writer_t writer = frame_writer(r);
    message_encode(message, &writer);
    if (message->block != NULL && message->block->payload_size_bytes > 0) {
        const block_slot_t *slot = blocks_find(&r->blocks, &message->statement.digest);
        if (slot == NULL)
            return 0;
        write_bytes(&writer, slot->payload, slot->payload_size);
    }
    ensure(!writer.failed);
    frame_seal(r->frame, FRAME_MESSAGE, writer.at);
    return FRAME_HEADER_BYTES + writer.at;
}

static void to_peers(replica_t *r, member_t to, bytes_t frame) {
    uint32_t count = 0;
    for (member_t m = 0; m < r->config.committee->size; m++)
        if (m != r->config.self && (to == SEND_ALL || to == m) && r->member_links[m] != LINK_NONE)
            r->send_room[count++] = r->member_links[m];
    if (count > 0)
        r->config.host->send(r->config.host->context, r->send_room, count, LANE_CONSENSUS, frame);
}

/* Own messages come back through the codec like everybody's, but are not verified again. */
static void to_self(replica_t *r, bytes_t frame) {
    const protocol_t *protocol = r->config.protocol;
    reader_t reader =
        reader_of(bytes_of(frame.data + FRAME_HEADER_BYTES, frame.size - FRAME_HEADER_BYTES));
    message_t message;
    arena_reset(&r->decode);
    synod_status status = message_decode(&reader, protocol->phases, protocol->phase_count,
                                         r->config.committee->size, &r->decode, &message);
    invariant(status == SYNOD_OK);
    if (protocol->admit(r->core, &r->env, &message) == ADMIT_NOW)
        driver_message(r, &message, r->config.self);
}

static bool reaches_self(const replica_t *r, member_t to) {
    return to == SEND_ALL || to == r->config.self;
}

/* Entries do not cross the end of the ring: the rest is skipped. */
static bool hold(replica_t *r, member_t to, uint64_t barrier, bytes_t frame) {
    uint64_t at = r->outbox_tail;
    uint64_t left = OUTBOX_BYTES - at % OUTBOX_BYTES;
    if (frame.size > left)
        at += left;
    if (at + frame.size - r->outbox_head > OUTBOX_BYTES)
        return false;
    outbox_entry_t entry = {.barrier = barrier, .to = to, .at = at, .size = (uint32_t)frame.size};
    if (!ring_push(&r->outbox, &entry))
        return false;
    r->own_early += barrier == 0;
    memcpy(r->outbox_bytes + at % OUTBOX_BYTES, frame.data, frame.size);
    r->outbox_tail = at + frame.size;
    return true;
}

void outbox_send(replica_t *r, member_t to, bool early, const message_t *unsigned_message) {
    message_t message = *unsigned_message;
    const phase_t *phase = &r->config.protocol->phases[message.statement.phase];
    if (r->mute && phase->authentication == AUTH_SIGNATURE)
        return;
    sign(r, &message);
    size_t size = encode(r, &message);
    if (size == 0)
        return;
    bytes_t frame = bytes_of(r->frame, size);
    uint64_t barrier = early ? 0 : r->records_owed ? OUTBOX_OWED : journal_last(r->journal);
    bool now = early || (r->outbox.count == 0 && barrier <= journal_durable(r->journal));
    if (now)
        to_peers(r, to, frame);
    /* To oneself always by the queue: a step never runs inside of another. */
    if (now && !reaches_self(r, to))
        return;
    if (!hold(r, now ? r->config.self : to, barrier, frame)) {
        r->frames_dropped++;
        replica_log(r, 1, "outbox", "full", "bytes=%zu: the disk does not keep up", size);
    }
}

static bytes_t frame_of(const replica_t *r, const outbox_entry_t *entry) {
    return bytes_of(r->outbox_bytes + entry->at % OUTBOX_BYTES, entry->size);
}

/* What promises nothing waits for no disk, on the way to oneself neither. A leader whose disk is
 * behind would else hear of its own proposal after the others' votes have certified it, which is
 * too late to know that there is something to finish. */
static void hear_own_early(replica_t *r) {
    for (uint32_t i = 0; r->own_early > 0 && i < r->outbox.count && r->phase == REPLICA_RUNNING;
         i++) {
        outbox_entry_t *entry = ring_at(&r->outbox, i);
        if (entry->barrier != 0 || entry->heard)
            continue;
        entry->heard = true;
        r->own_early--;
        to_self(r, frame_of(r, entry));
        driver_run(r);
    }
}

void outbox_pump(replica_t *r) {
    hear_own_early(r);
    while (r->outbox.count > 0 && r->phase == REPLICA_RUNNING) {
        outbox_entry_t entry = *(outbox_entry_t *)ring_at(&r->outbox, 0);
        if (entry.barrier > journal_durable(r->journal))
            break;
        ring_pop(&r->outbox);
        bytes_t frame = frame_of(r, &entry);
        to_peers(r, entry.to, frame);
        if (reaches_self(r, entry.to) && !entry.heard) {
            to_self(r, frame);
            driver_run(r);
        }
        hear_own_early(r);
        /* Only now: the frame was read in place, and steps in between hold more behind it. */
        r->outbox_head = entry.at + entry.size;
    }
}

void outbox_written(replica_t *r) {
    for (uint32_t i = 0; i < r->outbox.count; i++) {
        outbox_entry_t *entry = ring_at(&r->outbox, i);
        if (entry->barrier == OUTBOX_OWED)
            entry->barrier = journal_last(r->journal);
    }
}
