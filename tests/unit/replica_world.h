/* One replica under test with a scripted host: what it sends is captured, its disk, its pool and
 * its clock move only when the test says so, and the other members and the clients are the test
 * itself, with keys of their own. Frames are fed in memory of exactly their size that is freed
 * after the call, so that the sanitizers see every byte that is read too far or kept too long. */
#ifndef TESTS_UNIT_REPLICA_WORLD_H
#define TESTS_UNIT_REPLICA_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/prng.h"
#include "codec/hello.h"
#include "codec/message_codec.h"
#include "codec/request.h"
#include "crypto/hash.h"
#include "protocol/registry.h"
#include "replica/replica.h"
#include "tests/unit/replica_echo.h"

#define MEMBERS 4
#define CLIENTS 4
#define SEGMENT_BYTES (512u << 10)
#define SEGMENTS 64
#define PAYLOAD_MAX (64u << 10)
#define SENT_MAX 4096
#define JOBS_HELD 16
#define CERTIFICATE_ROOM 2048
#define FED_KEPT 4
#define FED_BYTES 2048
#define SECOND_NS UINT64_C(1000000000)

/* The phases of the default protocol (docs/protocols/hotstuff.md). */
enum { PROPOSAL = 0, VOTE = 1, TIMEOUT = 2, CERTIFICATE = 3, STATUS = 4 };

typedef struct sent {
    frame_kind_t kind;
    link_t link;
    uint32_t syncs; /* appends that were complete when it left */
    uint8_t *body;
    size_t size;
} sent_t;

/* A snapshot of the little state of these tests. */
#define BLOB_BYTES (512u << 10)
typedef struct blob {
    bool there;
    uint8_t bytes[BLOB_BYTES];
} blob_t;

typedef struct world {
    suite_id_t suite;
    symbolic_world_t symbolic;
    symbolic_identity_t identities[MEMBERS + CLIENTS];
    sign_secret_t secrets[MEMBERS + CLIENTS];
    signer_t signers[MEMBERS + CLIENTS]; /* members, then clients */
    member_info_t members[MEMBERS];
    verifier_t verifier;
    committee_t committee;
    member_t self;
    host_t host;
    replica_config_t config;
    replica_t *replica;
    void *memory;
    size_t memory_bytes;
    instant_t now;
    /* disk */
    uint8_t *disk;
    bool disk_holds, disk_fails, reads_hold;
    bool appending, reading;
    uint64_t append_token, append_offset, read_token, read_offset;
    bytes_t append_bytes;
    void *read_to;
    size_t read_size;
    uint32_t syncs;
    /* snapshots */
    blob_t blobs[2], asides[2];
    bool store_holds;
    uint64_t store_token, store_offset, load_token, load_offset;
    uint32_t store_slot, load_slot, stored;
    bytes_t store_bytes;
    unsigned store_flags;
    void *load_to;
    size_t load_size;
    /* pool */
    bool pool_holds;
    job_t *jobs[JOBS_HELD];
    uint32_t job_count;
    /* heard */
    bool deaf; /* counts frames only */
    sent_t sent[SENT_MAX];
    uint32_t sent_count;
    uint64_t sent_total;
    link_t closed[64];
    uint32_t closed_count;
    synod_status halted;
    char halt_reason[256], recovered[256];
    uint32_t accusations, log_lines;
    char log_more[256];           /* what was said of lines that were held back */
    uint64_t executed_operations; /* by the application */
    uint64_t wake_at;             /* asked for last */
    digest_t executed_id;
    uint8_t body[1 << 20];
    /* What was fed last of each kind, for tests that cut and change it. */
    uint8_t fed[FRAME_KIND_END][FED_KEPT][FED_BYTES];
    size_t fed_size[FRAME_KIND_END][FED_KEPT];
    uint32_t fed_count[FRAME_KIND_END];
    _Alignas(16) uint8_t arena[1 << 16];
} world_t;

/* ---- host ---- */

static inline void host_send(void *context, const link_t *links, uint32_t count, lane_t lane,
                             bytes_t bytes) {
    world_t *w = context;
    frame_t frame;
    size_t used;
    (void)lane;
    assert_int_equal(frame_decode(bytes, &frame, &used), SYNOD_OK);
    assert_int_equal(used, bytes.size);
    assert_int_equal(w->halted, SYNOD_OK); /* attack F2: a halted replica is silent */
    w->sent_total += count;
    for (uint32_t i = 0; i < count && !w->deaf; i++) {
        assert_true(w->sent_count < SENT_MAX);
        sent_t *sent = &w->sent[w->sent_count++];
        *sent =
            (sent_t){frame.kind, links[i], w->syncs, malloc(frame.body.size + 1), frame.body.size};
        assert_non_null(sent->body);
        if (frame.body.size > 0)
            memcpy(sent->body, frame.body.data, frame.body.size);
    }
}

static inline void host_close(void *context, link_t link) {
    world_t *w = context;
    w->closed[w->closed_count++ % 64] = link;
}

static inline void host_append(void *context, uint64_t token, uint64_t offset, bytes_t bytes) {
    world_t *w = context;
    assert_false(w->appending);
    assert_true(offset + bytes.size <= (uint64_t)SEGMENT_BYTES * SEGMENTS);
    w->appending = true;
    w->append_token = token;
    w->append_offset = offset;
    w->append_bytes = bytes;
}

static inline void host_read(void *context, uint64_t token, uint64_t offset, void *to,
                             size_t size) {
    world_t *w = context;
    assert_false(w->reading);
    w->reading = true;
    w->read_token = token;
    w->read_offset = offset;
    w->read_to = to;
    w->read_size = size;
}

static inline void host_store(void *context, uint64_t token, uint32_t slot, uint64_t offset,
                              bytes_t bytes, unsigned flags) {
    world_t *w = context;
    assert_int_equal(w->store_token, 0);
    assert_true(slot < 2 && offset + bytes.size <= BLOB_BYTES);
    w->store_token = token;
    w->store_slot = slot;
    w->store_offset = offset;
    w->store_bytes = bytes;
    w->store_flags = flags;
}

static inline void host_load(void *context, uint64_t token, uint32_t slot, uint64_t offset,
                             void *to, size_t size) {
    world_t *w = context;
    assert_int_equal(w->load_token, 0);
    w->load_token = token;
    w->load_slot = slot;
    w->load_offset = offset;
    w->load_to = to;
    w->load_size = size;
}

static inline void host_wake(void *context, uint64_t at_ns) {
    ((world_t *)context)->wake_at = at_ns; /* the test's clock wakes it anyway */
}

static inline void host_job(void *context, job_t *job) {
    world_t *w = context;
    assert_true(w->job_count < JOBS_HELD);
    w->jobs[w->job_count++] = job;
}

static inline void host_log(void *context, int level, const char *module, const char *event,
                            const char *text) {
    world_t *w = context;
    (void)level;
    w->log_lines++;
    if (strcmp(event, "more") == 0)
        snprintf(w->log_more, sizeof w->log_more, "%s", text);
    if (strcmp(module, "recover") == 0 && strcmp(event, "done") == 0)
        snprintf(w->recovered, sizeof w->recovered, "%s", text);
    w->accusations += strcmp(event, "accuse") == 0;
}

static inline void host_halt(void *context, synod_status status, const char *reason) {
    world_t *w = context;
    assert_int_equal(w->halted, SYNOD_OK);
    w->halted = status;
    snprintf(w->halt_reason, sizeof w->halt_reason, "%s", reason);
}

/* ---- inputs ---- */

static inline void finish_append(world_t *w) {
    synod_status status = w->disk_fails ? SYNOD_IO : SYNOD_OK;
    w->appending = false;
    if (status == SYNOD_OK) {
        memcpy(w->disk + w->append_offset, w->append_bytes.data, w->append_bytes.size);
        w->syncs++;
    }
    replica_on_appended(w->replica, w->now, w->append_token, status);
}

static inline void finish_read(world_t *w) {
    uint64_t end = (uint64_t)SEGMENT_BYTES * SEGMENTS;
    uint64_t here = w->read_offset < end ? end - w->read_offset : 0;
    size_t size = w->read_size < here ? w->read_size : (size_t)here;
    w->reading = false;
    memset(w->read_to, 0, w->read_size);
    if (size > 0)
        memcpy(w->read_to, w->disk + w->read_offset, size);
    replica_on_read(w->replica, w->now, w->read_token, SYNOD_OK);
}

/* A piece lies aside until the last one puts the whole in place. */
static inline void finish_store(world_t *w) {
    uint64_t token = w->store_token;
    blob_t *aside = &w->asides[w->store_slot];
    w->store_token = 0;
    if ((w->store_flags & STORE_BEGIN) != 0)
        memset(aside, 0, sizeof *aside);
    memcpy(aside->bytes + w->store_offset, w->store_bytes.data, w->store_bytes.size);
    if ((w->store_flags & STORE_END) != 0) {
        w->blobs[w->store_slot] = *aside;
        w->blobs[w->store_slot].there = true;
        w->stored++;
    }
    replica_on_stored(w->replica, w->now, token, SYNOD_OK);
}

static inline void finish_load(world_t *w) {
    uint64_t token = w->load_token;
    const blob_t *blob = &w->blobs[w->load_slot];
    w->load_token = 0;
    memset(w->load_to, 0, w->load_size);
    for (size_t i = 0; blob->there && i < w->load_size && w->load_offset + i < BLOB_BYTES; i++)
        ((uint8_t *)w->load_to)[i] = blob->bytes[w->load_offset + i];
    replica_on_loaded(w->replica, w->now, token, blob->there ? SYNOD_OK : SYNOD_NOT_FOUND);
}

/* Until nothing is under way but what the test holds. */
static inline void settle(world_t *w) {
    for (;;) {
        replica_flush(w->replica, w->now);
        if (w->job_count > 0 && !w->pool_holds) {
            job_t *job = w->jobs[--w->job_count];
            job->work(job);
            replica_on_job(w->replica, w->now, job);
        } else if (w->reading && !w->reads_hold) {
            finish_read(w);
        } else if (w->appending && !w->disk_holds) {
            finish_append(w);
        } else if (w->load_token != 0) {
            finish_load(w);
        } else if (w->store_token != 0 && !w->store_holds) {
            finish_store(w);
        } else {
            return;
        }
    }
}

static inline void pass(world_t *w, uint64_t span_ns) {
    w->now.now_ns += span_ns;
    w->now.time_ns += span_ns;
    replica_on_wake(w->replica, w->now);
    settle(w);
}

static inline void feed(world_t *w, link_t link, frame_kind_t kind, bytes_t body) {
    uint8_t *copy = malloc(body.size > 0 ? body.size : 1);
    assert_non_null(copy);
    if (body.size > 0)
        memcpy(copy, body.data, body.size);
    if (!w->deaf && kind < FRAME_KIND_END && body.size <= FED_BYTES) {
        uint32_t place = w->fed_count[kind]++ % FED_KEPT;
        memcpy(w->fed[kind][place], copy, body.size);
        w->fed_size[kind][place] = body.size;
    }
    replica_on_frame(w->replica, w->now, link, (frame_t){kind, bytes_of(copy, body.size)});
    free(copy);
    settle(w);
}

/* ---- what was heard ---- */

static inline void forget(world_t *w) {
    for (uint32_t i = 0; i < w->sent_count; i++)
        free(w->sent[i].body);
    w->sent_count = w->closed_count = 0;
}

static inline uint32_t count_sent(const world_t *w, frame_kind_t kind) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->sent_count; i++)
        count += w->sent[i].kind == kind;
    return count;
}

/* The newest frame of this kind on this link (0: any). */
static inline const sent_t *last_sent(const world_t *w, frame_kind_t kind, link_t link) {
    for (uint32_t i = w->sent_count; i > 0; i--)
        if (w->sent[i - 1].kind == kind && (link == 0 || w->sent[i - 1].link == link))
            return &w->sent[i - 1];
    return NULL;
}

static inline bool decode_sent(world_t *w, const sent_t *sent, message_t *message) {
    const protocol_t *protocol = w->config.protocol;
    arena_t arena = arena_of(w->arena, sizeof w->arena);
    reader_t reader = reader_of(bytes_of(sent->body, sent->size));
    return sent->kind == FRAME_MESSAGE &&
           message_decode(&reader, protocol->phases, protocol->phase_count, MEMBERS, &arena,
                          message) == SYNOD_OK;
}

/* How many messages of a phase were sent; `*last`, if not NULL, is the newest. */
static inline uint32_t count_phase(world_t *w, uint8_t phase, message_t *last) {
    uint32_t count = 0;
    message_t message;
    for (uint32_t i = 0; i < w->sent_count; i++) {
        if (!decode_sent(w, &w->sent[i], &message) || message.statement.phase != phase)
            continue;
        count++;
        if (last != NULL)
            *last = message;
    }
    return count;
}

static inline bool was_closed(const world_t *w, link_t link) {
    for (uint32_t i = 0; i < w->closed_count && i < 64; i++)
        if (w->closed[i] == link)
            return true;
    return false;
}

static inline status_report_t report(const world_t *w) {
    status_report_t status;
    replica_status(w->replica, w->now, &status);
    return status;
}

/* The digest of the parts, as docs/formats/sessions.md has it. */
static inline digest_t whole_of(const state_root_t *root) {
    static const char tag[16] = "synod.state.v1";
    digest_t ordered = hash_bytes(bytes_of(&root->order, sizeof root->order));
    bytes_t parts[] = {bytes_of(tag, sizeof tag), bytes_of(&root->application, 32),
                       bytes_of(&root->sessions, 32), bytes_of(&root->committee, 32),
                       bytes_of(&ordered, 32)};
    return hash_parts(parts, 5);
}

static inline goodbye_t goodbye_on(const world_t *w, link_t link) {
    const sent_t *sent = last_sent(w, FRAME_GOODBYE, link);
    goodbye_t goodbye = {0};
    assert_non_null(sent);
    reader_t reader = reader_of(bytes_of(sent->body, sent->size));
    assert_int_equal(goodbye_decode(&reader, &goodbye), SYNOD_OK);
    return goodbye;
}

/* The newest reply on a link; its result borrows from the captured frame. */
static inline reply_t reply_on(const world_t *w, link_t link) {
    const sent_t *sent = last_sent(w, FRAME_REPLY, link);
    reply_t reply = {0};
    assert_non_null(sent);
    reader_t reader = reader_of(bytes_of(sent->body, sent->size));
    assert_int_equal(reply_decode(&reader, &reply), SYNOD_OK);
    return reply;
}

/* ---- links ---- */

static inline link_t member_link(member_t member) {
    return 100 + member;
}
static inline link_t client_link(uint32_t client) {
    return 200 + client;
}

static inline hello_t hello_of(const world_t *w, role_t role, member_t member) {
    return (hello_t){.domain = w->committee.domain,
                     .epoch = w->committee.epoch,
                     .protocol = w->config.protocol->id,
                     .role = role,
                     .member = member,
                     .parameters = w->config.chain.core,
                     .connection = 77};
}

static inline void say_hello(world_t *w, link_t link, const hello_t *hello) {
    uint8_t bytes[HELLO_BYTES_MAX];
    writer_t writer = writer_of(bytes, sizeof bytes);
    hello_encode(hello, &writer);
    feed(w, link, FRAME_HELLO, writer_bytes(&writer));
}

static inline void link_comes(world_t *w, link_t link, member_t member) {
    replica_on_link_up(w->replica, w->now, link, member, 1000 + link);
    settle(w);
}

static inline void member_comes(world_t *w, link_t link, member_t member) {
    link_comes(w, link, member);
    hello_t hello = hello_of(w, ROLE_MEMBER, member);
    say_hello(w, link, &hello);
}

static inline void client_comes(world_t *w, link_t link) {
    link_comes(w, link, MEMBER_NONE);
    hello_t hello = hello_of(w, ROLE_CLIENT, MEMBER_NONE);
    say_hello(w, link, &hello);
}

static inline void attach(world_t *w, uint32_t client, link_t link) {
    uint8_t bytes[ATTACH_BYTES], text[ATTACH_SIGNED_BYTES];
    const signer_t *signer = &w->signers[MEMBERS + client];
    attach_t body = {.key = signer->key};
    attach_signed_bytes(&w->committee.domain, w->self, 1000 + link, &body.key, text);
    signer->sign(signer->context, bytes_of(text, sizeof text), &body.signature);
    writer_t writer = writer_of(bytes, sizeof bytes);
    attach_encode(&body, &writer);
    feed(w, link, FRAME_ATTACH, writer_bytes(&writer));
}

/* ---- life ---- */

static inline void observe(void *context, height_t height, const digest_t *id, const block_t *block,
                           bytes_t payload) {
    world_t *w = context;
    (void)height, (void)block, (void)payload;
    w->executed_id = *id;
}

static inline void say_nothing_more(world_t *w, member_t member) {
    uint8_t bytes[64];
    block_answer_t answer = {0};
    writer_t writer = writer_of(bytes, sizeof bytes);
    block_answer_encode(&answer, &writer);
    feed(w, member_link(member), FRAME_BLOCK, writer_bytes(&writer));
}

/* Starts the process over the disk as it is. */
static inline void start(world_t *w) {
    w->memory_bytes = replica_bytes(&w->config);
    w->memory = mmap(NULL, w->memory_bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(w->memory != MAP_FAILED);
    assert_int_equal(replica_open(w->memory, w->memory_bytes, &w->config, &w->replica), SYNOD_OK);
    replica_observe(w->replica, observe, w);
    replica_start(w->replica, w->now);
    settle(w);
}

static inline void stop(world_t *w) {
    replica_close(w->replica);
    munmap(w->memory, w->memory_bytes);
    w->appending = w->reading = false;
    w->store_token = w->load_token = 0;
    w->job_count = 0;
    forget(w);
}

/* All members and clients are there, and nobody has more blocks than we. */
static inline void connect_all(world_t *w) {
    for (member_t m = 0; m < MEMBERS; m++) {
        if (m == w->self)
            continue;
        member_comes(w, member_link(m), m);
        say_nothing_more(w, m);
    }
    for (uint32_t c = 0; c < CLIENTS; c++)
        client_comes(w, client_link(c));
    forget(w);
}

static inline void make_keys(world_t *w) {
    for (uint32_t i = 0; i < MEMBERS + CLIENTS; i++) {
        uint8_t seed[SIGN_SEED_BYTES] = {0x77, (uint8_t)i};
        w->identities[i] =
            (symbolic_identity_t){.world = &w->symbolic, .key = symbolic_key(1000 + i)};
        w->signers[i] = w->suite == SUITE_SYMBOLIC ? signer_symbolic(&w->identities[i])
                                                   : signer_ed25519(seed, &w->secrets[i]);
        if (i < MEMBERS)
            w->members[i] = (member_info_t){.key = w->signers[i].key, .weight = 1};
    }
    w->verifier = w->suite == SUITE_SYMBOLIC ? verifier_symbolic(&w->symbolic) : verifier_ed25519();
    digest_t domain = {{0xd0}};
    member_t culprit;
    assert_int_equal(
        committee_make(&w->committee, &domain, 1, w->members, MEMBERS, &w->verifier, &culprit),
        SYNOD_OK);
}

/* A world whose replica is made but not started; the test may still change w->config. */
static inline world_t *world_make(suite_id_t suite, member_t self) {
    assert_true(sign_open());
    world_t *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->suite = suite;
    w->self = self;
    w->now = (instant_t){SECOND_NS, SECOND_NS};
    w->disk = calloc(SEGMENTS, SEGMENT_BYTES);
    assert_non_null(w->disk);
    make_keys(w);
    w->host =
        (host_t){w,         host_send, host_close, host_append, host_read, host_store, host_load,
                 host_wake, host_job,  host_log,   host_halt,   NULL,      NULL,       NULL};
    w->config = (replica_config_t){.protocol = protocol_find("hotstuff"),
                                   .committee = &w->committee,
                                   .self = self,
                                   .signer = &w->signers[self],
                                   .anchor = {{0xa0}},
                                   .app = &echo_app,
                                   .host = &w->host,
                                   .journal_segments = SEGMENTS,
                                   .journal_segment_bytes = SEGMENT_BYTES,
                                   .mempool_bytes = 4u << 20,
                                   .links_max = 32};
    w->config.chain.core.payload_bytes_max = PAYLOAD_MAX;
    w->config.chain.core.view_timeout_ns = SECOND_NS;
    w->config.chain.ledger = (ledger_parameters_t){.sessions_max = 8, .session_window = 8};
    w->config.chain.checkpoint_blocks = 4;
    chain_parameters_fill(&w->config.chain, w->config.protocol);
    w->config.seed[0] = 9;
    echo_counter = &w->executed_operations;
    return w;
}

static inline world_t *world_open(suite_id_t suite, member_t self) {
    world_t *w = world_make(suite, self);
    start(w);
    connect_all(w);
    return w;
}

static inline void world_close(world_t *w) {
    stop(w);
    free(w->disk);
    free(w);
}

#endif
