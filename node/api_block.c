/* /block/HEIGHT: an executed block and the certificate that made it final, from memory or from the
 * journal. One is read at a time, by the thread that writes the journal, so whoever asks meanwhile
 * is told busy. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "model/certificate_wire.h"
#include "node/api_state.h"
#include "replica/journal.h"

#define HEIGHT_DIGITS_MAX 18

static bool parse_height(bytes_t text, height_t *height) {
    *height = 0;
    for (size_t at = 0; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9')
            return false;
        *height = *height * 10 + (height_t)(text.data[at] - '0');
    }
    return text.size > 0 && text.size <= HEIGHT_DIGITS_MAX;
}

static void print_block(FILE *page, const block_t *block) {
    digest_t id = block_id(block);
    fprintf(page, "{\"height\":%" PRIu64 ",\"epoch\":%" PRIu64 ",\"view\":%" PRIu64, block->height,
            block->epoch, block->birth_view);
    fprintf(page, ",\"stands_on_view\":%" PRIu64 ",\"proposer\":%u,\"time_ns\":%" PRIu64,
            block->justify_view, block->proposer, block->time_ns);
    fprintf(page, ",\"requests\":%u,\"payload_bytes\":%u", block->payload_count,
            block->payload_size_bytes);
    api_print_hex(page, "id", bytes_of(id.bytes, sizeof id.bytes));
    api_print_hex(page, "parent", bytes_of(block->parents[0].bytes, SYNOD_DIGEST_BYTES));
    api_print_hex(page, "payload", bytes_of(block->payload.bytes, SYNOD_DIGEST_BYTES));
}

static void print_certificate(FILE *page, const certificate_t *certificate) {
    bool first = true;
    fprintf(page, ",\"proof\":{\"view\":%" PRIu64 ",\"height\":%" PRIu64,
            certificate->statement.view, certificate->statement.height);
    api_print_hex(page, "digest",
                  bytes_of(certificate->statement.digest.bytes, SYNOD_DIGEST_BYTES));
    fprintf(page, ",\"signers\":[");
    for (member_t m = 0; m < certificate->members; m++) {
        if (!certificate_has(certificate, m))
            continue;
        fprintf(page, "%s%u", first ? "" : ",", m);
        first = false;
    }
    fprintf(page, "]}");
}

/* ---- records of the journal ---- */

static void finish(api_t *api, unsigned status) {
    api_block_t *b = &api->block;
    http_ticket_t ticket = b->ticket;
    bool good = ferror(b->page) == 0;
    good = fclose(b->page) == 0 && good;
    char *text = good ? b->text : NULL;
    if (!good)
        free(b->text);
    b->page = NULL;
    b->text = NULL;
    b->ticket = 0;
    api_finish(api, ticket, status, text, b->size);
}

static void start_read(api_t *api, uint64_t address, bool proof) {
    api_block_t *b = &api->block;
    b->reads = true;
    b->reads_proof = proof;
    disk_read(api->node->disk, API_TOKEN, address, b->room, b->room_size);
}

static bool print_read_block(FILE *page, const journal_entry_t *entry) {
    union {
        block_t block;
        uint8_t bytes[sizeof(block_t) + sizeof(digest_t)];
    } room;
    reader_t reader = reader_of(entry->body);
    bytes_t encoded = read_bytes(&reader, BLOCK_FIXED_BYTES + SYNOD_DIGEST_BYTES);
    reader_t block = reader_of(encoded);
    if (entry->kind != JOURNAL_BLOCK || reader.failed ||
        block_decode(&block, &room.block, sizeof room) != SYNOD_OK)
        return false;
    print_block(page, &room.block);
    return true;
}

/* Height, id, certificate. */
static bool print_read_proof(const api_t *api, const journal_entry_t *entry) {
    uint32_t members = api->node->committee.size;
    reader_t reader = reader_of(entry->body);
    bool right = entry->kind == JOURNAL_FINAL && read_u64(&reader) == api->block.height;
    (void)read_bytes(&reader, SYNOD_DIGEST_BYTES);
    size_t size = certificate_bytes_max(members) + 64;
    void *memory = malloc(size);
    arena_t arena = arena_of(memory, memory == NULL ? 0 : size);
    const certificate_t *certificate = NULL;
    right = right && !reader.failed && memory != NULL &&
            certificate_decode(&reader, members, &arena, &certificate) == SYNOD_OK;
    if (right)
        print_certificate(api->block.page, certificate);
    free(memory);
    return right;
}

/* The block is printed; its proof follows if it is known. */
static void go_on(api_t *api) {
    api_block_t *b = &api->block;
    if (b->view.has_proof) {
        start_read(api, b->view.proof_address, true);
        return;
    }
    fprintf(b->page, ",\"proof\":null}\n"); /* that of a block above proves it too */
    finish(api, 200);
}

void api_on_read(api_t *api, synod_status status) {
    api_block_t *b = &api->block;
    journal_entry_t entry;
    b->reads = false;
    if (b->page == NULL)
        return;
    uint64_t address = b->reads_proof ? b->view.proof_address : b->view.address;
    if (status == SYNOD_OK)
        status = journal_parse(bytes_of(b->room, b->room_size), address, &entry);
    if (status == SYNOD_OK && !b->reads_proof && print_read_block(b->page, &entry)) {
        go_on(api);
    } else if (status == SYNOD_OK && b->reads_proof && print_read_proof(api, &entry)) {
        fprintf(b->page, "}\n");
        finish(api, 200);
    } else {
        rewind(b->page); /* it was released and overwritten meanwhile, or is damaged */
        finish(api, api_print_error(b->page, 410, "the block was released just now"));
    }
}

/* ---- requests ---- */

static unsigned refuse_released(FILE *page, const block_view_t *view) {
    char why[128];
    (void)snprintf(why, sizeof why, "released: this validator keeps blocks %" PRIu64 " to %" PRIu64,
                   view->lowest, view->highest);
    return api_print_error(page, 410, why);
}

static bool make_room(api_block_t *b) {
    if (b->room_size < b->view.record_bytes_max) {
        free(b->room);
        b->room = malloc(b->view.record_bytes_max);
        b->room_size = b->room == NULL ? 0 : b->view.record_bytes_max;
    }
    return b->room != NULL;
}

unsigned api_answer_block(api_t *api, const api_call_t *call, FILE *page) {
    api_block_t *b = &api->block;
    height_t height;
    block_view_t view;
    if (!parse_height(call->rest, &height))
        return api_print_error(page, 400, "ask for a height: /block/HEIGHT");
    block_place_t place = replica_block_at(api->node->replica, height, &view);
    if (place == BLOCK_UNKNOWN)
        return api_print_error(page, 404, "no block of this height was executed here");
    if (place == BLOCK_RELEASED)
        return refuse_released(page, &view);
    if (b->page != NULL || b->reads)
        return api_print_error(page, 503, "another block is being read: ask again");
    b->view = view;
    b->height = height;
    b->page = make_room(b) ? open_memstream(&b->text, &b->size) : NULL;
    if (b->page == NULL)
        return api_print_error(page, 503, "no memory for the block");
    b->ticket = call->ticket;
    if (view.block == NULL) {
        start_read(api, view.address, false);
    } else {
        print_block(b->page, view.block);
        go_on(api);
    }
    return API_LATER;
}

/* When the disk has stopped. */
void api_close_block(api_t *api) {
    api_block_t *b = &api->block;
    if (b->page != NULL)
        (void)fclose(b->page);
    free(b->text);
    free(b->room);
}
