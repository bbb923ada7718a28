/* Bodies of the sync, checkpoint, query and status frames, as tables (docs/formats/wire.md). */
#include "codec/sync_codec.h"

#include "codec/field.h"
#include "codec/frame.h"

static const field_t block_ask_fields[] = {
    FIELD_FLAG(block_ask_t, by_id),
    FIELD_RAW(block_ask_t, id),
    FIELD_ANY(block_ask_t, from),
    FIELD_WITHIN(block_ask_t, count, 4, 1, UINT32_MAX),
};
static const schema_t block_ask_schema = SCHEMA_OF(block_ask_fields);

static const field_t block_answer_fields[] = {
    FIELD_ANY(block_answer_t, height),
    FIELD_ANY(block_answer_t, final_height),
    FIELD_BYTES(block_answer_t, block, FRAME_BODY_MAX),
    FIELD_BYTES(block_answer_t, proof, FRAME_BODY_MAX),
    FIELD_BYTES(block_answer_t, payload, FRAME_BODY_MAX),
};
static const schema_t block_answer_schema = SCHEMA_OF(block_answer_fields);

static const field_t checkpoint_fields[] = {
    FIELD_ANY(checkpoint_t, epoch),     FIELD_ANY(checkpoint_t, height),
    FIELD_RAW(checkpoint_t, root),      FIELD_WITHIN(checkpoint_t, member, 4, 0, MEMBERS_MAX - 1),
    FIELD_RAW(checkpoint_t, signature),
};
static const schema_t checkpoint_schema = SCHEMA_OF(checkpoint_fields);

static const field_t query_fields[] = {
    FIELD_ANY(query_t, number),
    FIELD_FLAG(query_t, prove),
    FIELD_BYTES(query_t, query, FRAME_BODY_MAX),
};
static const schema_t query_schema = SCHEMA_OF(query_fields);

static const field_t query_reply_fields[] = {
    FIELD_ANY(query_reply_t, number),
    FIELD_WITHIN(query_reply_t, status, 2, 0, UINT16_MAX),
    FIELD_ANY(query_reply_t, height),
    FIELD_RAW(query_reply_t, root),
    FIELD_BYTES(query_reply_t, reply, FRAME_BODY_MAX),
    FIELD_BYTES(query_reply_t, proof, FRAME_BODY_MAX),
};
static const schema_t query_reply_schema = SCHEMA_OF(query_reply_fields);

static const field_t status_report_fields[] = {
    FIELD_MEMBER(status_report_t, member),
    FIELD_ANY(status_report_t, view),
    FIELD_MEMBER(status_report_t, leader),
    FIELD_ANY(status_report_t, certified),
    FIELD_ANY(status_report_t, final),
    FIELD_ANY(status_report_t, executed),
    FIELD_RAW(status_report_t, final_id),
    FIELD_ANY(status_report_t, root_height),
    FIELD_RAW(status_report_t, root),
    FIELD_ANY(status_report_t, views_failed),
    FIELD_ANY(status_report_t, requests_executed),
    FIELD_ANY(status_report_t, operations_executed),
    FIELD_ANY(status_report_t, pending_requests),
    FIELD_ANY(status_report_t, pending_bytes),
    FIELD_ANY(status_report_t, sessions),
    FIELD_ANY(status_report_t, peers_connected),
    FIELD_ANY(status_report_t, clients_connected),
    FIELD_ANY(status_report_t, journal_syncs),
    FIELD_ANY(status_report_t, journal_bytes),
    FIELD_ANY(status_report_t, frames_dropped),
    FIELD_ANY(status_report_t, signatures_bad),
    FIELD_ANY(status_report_t, uptime_ns),
    FIELD_ANY(status_report_t, sync_failures),
    FIELD_ANY(status_report_t, quota_drops),
    FIELD_ANY(status_report_t, links_refused),
    FIELD_ANY(status_report_t, lines_held),
    FIELD_ANY(status_report_t, snapshot_height),
    FIELD_ANY(status_report_t, journal_used_bytes),
    FIELD_ANY(status_report_t, journal_capacity_bytes),
    FIELD_WITHIN(status_report_t, synced, 4, 0, 1),
    FIELD_ANY(status_report_t, phase),
    FIELD_ANY(status_report_t, version),
    FIELD_ANY(status_report_t, time_ns),
    FIELD_ANY(status_report_t, leaders_rotated),
    FIELD_WITHIN(status_report_t, view_changed_by, 4, 0, VIEW_CAUSE_ROTATION),
    FIELD_ANY(status_report_t, view_changed_ns),
    FIELD_ANY(status_report_t, disk_syncs),
    FIELD_ANY(status_report_t, disk_sync_ns),
    FIELD_ANY(status_report_t, disk_sync_longest_ns),
    FIELD_ANY(status_report_t, disk_free_bytes),
    FIELD_ANY(status_report_t, disk_total_bytes),
    FIELD_WITHIN(status_report_t, disk_full, 4, 0, 1),
    FIELD_WITHIN(status_report_t, mute, 4, 0, 1),
    FIELD_ANY(status_report_t, question),
    FIELD_BYTES(status_report_t, peers, STATUS_PEER_BYTES *MEMBERS_MAX),
};
static const schema_t status_report_schema = SCHEMA_OF(status_report_fields);

void checkpoint_signed_bytes(const checkpoint_t *checkpoint, const digest_t *domain,
                             uint8_t to[CHECKPOINT_SIGNED_BYTES]) {
    static const char tag[] = "synod.checkpoint"; /* 16 characters, the zero is not signed */
    memcpy(to, tag, 16);
    memcpy(to + 16, domain->bytes, 32);
    store_u64(to + 48, checkpoint->epoch);
    store_u64(to + 56, checkpoint->height);
    memcpy(to + 64, checkpoint->root.bytes, 32);
}

/* The two forms of asking share a record, so the unused field is zero: one ask, one encoding. */
static block_ask_t block_ask_canonical(const block_ask_t *ask) {
    block_ask_t canonical = *ask;
    if (ask->by_id) {
        canonical.from = 0;
    } else {
        canonical.id = (digest_t){0};
    }
    return canonical;
}

void block_ask_encode(const block_ask_t *ask, writer_t *writer) {
    block_ask_t canonical = block_ask_canonical(ask);
    schema_encode(block_ask_schema, &canonical, writer);
}

synod_status block_ask_decode(reader_t *reader, block_ask_t *ask) {
    *ask = (block_ask_t){0};
    synod_status status = schema_decode_whole(block_ask_schema, reader, ask);
    if (status != SYNOD_OK) {
        return status;
    }
    bool unused_is_zero = ask->by_id ? ask->from == 0 : digest_is_zero(&ask->id);
    return unused_is_zero ? SYNOD_OK : SYNOD_MALFORMED;
}

size_t block_answer_encoded_bytes(const block_answer_t *answer) {
    return schema_encoded_bytes(block_answer_schema, answer);
}

void block_answer_encode(const block_answer_t *answer, writer_t *writer) {
    schema_encode(block_answer_schema, answer, writer);
}

synod_status block_answer_decode(reader_t *reader, block_answer_t *answer) {
    *answer = (block_answer_t){0};
    return schema_decode_whole(block_answer_schema, reader, answer);
}

void checkpoint_encode(const checkpoint_t *checkpoint, writer_t *writer) {
    schema_encode(checkpoint_schema, checkpoint, writer);
}

synod_status checkpoint_decode(reader_t *reader, checkpoint_t *checkpoint) {
    *checkpoint = (checkpoint_t){0};
    return schema_decode_whole(checkpoint_schema, reader, checkpoint);
}

size_t query_encoded_bytes(const query_t *query) {
    return schema_encoded_bytes(query_schema, query);
}

void query_encode(const query_t *query, writer_t *writer) {
    schema_encode(query_schema, query, writer);
}

synod_status query_decode(reader_t *reader, query_t *query) {
    *query = (query_t){0};
    return schema_decode_whole(query_schema, reader, query);
}

size_t query_reply_encoded_bytes(const query_reply_t *reply) {
    return schema_encoded_bytes(query_reply_schema, reply);
}

void query_reply_encode(const query_reply_t *reply, writer_t *writer) {
    schema_encode(query_reply_schema, reply, writer);
}

synod_status query_reply_decode(reader_t *reader, query_reply_t *reply) {
    *reply = (query_reply_t){0};
    return schema_decode_whole(query_reply_schema, reader, reply);
}

void status_report_encode(const status_report_t *report, writer_t *writer) {
    schema_encode(status_report_schema, report, writer);
}

synod_status status_report_decode(reader_t *reader, status_report_t *report) {
    *report = (status_report_t){0};
    synod_status status = schema_decode_whole(status_report_schema, reader, report);
    bool whole = report->peers.size % STATUS_PEER_BYTES == 0;
    return status == SYNOD_OK && !whole ? SYNOD_MALFORMED : status;
}

void status_peer_encode(const status_peer_t *peer, writer_t *writer) {
    write_u32(writer, peer->connected);
    write_u32(writer, peer->silent_ms);
    write_u64(writer, peer->attested_height);
}

bool status_report_peer(const status_report_t *report, member_t member, status_peer_t *peer) {
    if (member >= report->peers.size / STATUS_PEER_BYTES) {
        return false;
    }
    const uint8_t *from = report->peers.data + (size_t)member * STATUS_PEER_BYTES;
    *peer = (status_peer_t){load_u32(from), load_u32(from + 4), load_u64(from + 8)};
    return true;
}
