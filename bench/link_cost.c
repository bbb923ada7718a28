/* What a replica pays for what one link may ask for beside consensus: the figures in
 * src/replica/quota.h. One replica as the tests have it (tests/unit/replica_world.h), with Ed25519
 * and `kv` of 100,000 keys with values of 128 bytes; no TLS and no socket.
 *
 *     link_cost
 *
 * Time passes between frames, so that nothing is refused. Nanoseconds of the loop's thread for a
 * frame, the median and the worst of 15 rounds' means, the answer included. */
#include <time.h>

#include "app/kv_client.h"
#include "base/check.h"
#include "replica/quota.h"
#include "tests/unit/replica_world.h"

enum { KEYS = 100000, KEY_BYTES = 10, VALUE_BYTES = 128, ROUNDS = 15, FRAMES = 1024 };
/* More keys than a replica keeps (ATTACHMENTS_MAX): each new one looks for the link with the most.
 */
enum { KEYS_ATTACHED = ROUNDS * FRAMES };

static void *kv_state;
static prng_t prng;
static uint8_t frame_body[256];

static synod_status open_kv(void **state) {
    synod_status status = synod_app_kv()->open(state);
    kv_state = *state;
    return status;
}

static bytes_t key_of(uint64_t number, char text[KEY_BYTES + 1]) {
    (void)snprintf(text, KEY_BYTES + 1, "key%07llu", (unsigned long long)(number % KEYS));
    return bytes_of(text, KEY_BYTES);
}

static bool put_nowhere(void *context, synod_bytes bytes) {
    (void)context;
    (void)bytes;
    return true;
}

static void fill(void) {
    static uint8_t room[KEY_BYTES + VALUE_BYTES + KV_SET_AROUND_BYTES];
    static const uint8_t value[VALUE_BYTES];
    const synod_block_info block = {.height = 1};
    synod_writer reply = {put_nowhere, NULL, KV_REPLY_BYTES_MAX};
    char text[KEY_BYTES + 1];
    for (uint64_t i = 0; i < KEYS; i++) {
        writer_t writer = writer_of(room, sizeof room);
        kv_encode_set(&writer, key_of(i, text), bytes_of(value, sizeof value));
        synod_status status =
            synod_app_kv()->execute(kv_state, &block, writer_bytes(&writer), &reply);
        require(status == SYNOD_OK);
    }
    synod_digest root;
    synod_app_kv()->root(kv_state, &root);
}

/* ---- frames ---- */

static bytes_t question(bytes_t operation, bool prove) {
    writer_t writer = writer_of(frame_body, sizeof frame_body);
    query_encode(&(query_t){.number = 1, .prove = prove, .query = operation}, &writer);
    require(!writer.failed);
    return writer_bytes(&writer);
}

static bytes_t get(bool prove) {
    uint8_t room[64];
    char text[KEY_BYTES + 1];
    writer_t writer = writer_of(room, sizeof room);
    kv_encode_get(&writer, key_of(prng_next(&prng), text));
    return question(writer_bytes(&writer), prove);
}

static bytes_t make_get(world_t *w, uint32_t i) {
    (void)w, (void)i;
    return get(false);
}

static bytes_t make_proof(world_t *w, uint32_t i) {
    (void)w, (void)i;
    return get(true);
}

static bytes_t scan(uint32_t entries, bool keys_only) {
    uint8_t room[64];
    char text[KEY_BYTES + 1];
    writer_t writer = writer_of(room, sizeof room);
    kv_scan_bounds_t bounds = {.after = key_of(prng_next(&prng) % (KEYS - 5000), text),
                               .entries_max = entries,
                               .bytes_max = KV_REPLY_BYTES_MAX,
                               .keys_only = keys_only};
    kv_encode_scan(&writer, (bytes_t){0}, &bounds);
    return question(writer_bytes(&writer), false);
}

static bytes_t make_scan(world_t *w, uint32_t i) {
    (void)w, (void)i;
    return scan(KV_SCAN_ENTRIES_MAX, true);
}

static bytes_t make_short_scan(world_t *w, uint32_t i) {
    (void)w, (void)i;
    return scan(100, false);
}

static bytes_t make_status(world_t *w, uint32_t i) {
    static const uint8_t number[STATUS_ASK_BYTES];
    (void)w, (void)i;
    return bytes_of(number, sizeof number);
}

static bytes_t make_ask(world_t *w, uint32_t i) {
    (void)w, (void)i;
    writer_t writer = writer_of(frame_body, sizeof frame_body);
    block_ask_encode(&(block_ask_t){.from = 1, .count = 72}, &writer);
    return writer_bytes(&writer);
}

static uint8_t (*attaches)[ATTACH_BYTES];

static void sign_attaches(const world_t *w) {
    attaches = malloc((size_t)KEYS_ATTACHED * ATTACH_BYTES);
    require(attaches != NULL);
    for (uint32_t i = 0; i < KEYS_ATTACHED; i++) {
        uint8_t seed[SIGN_SEED_BYTES] = {1}, text[ATTACH_SIGNED_BYTES];
        sign_secret_t secret;
        store_u32(seed + 4, i);
        signer_t signer = signer_ed25519(seed, &secret);
        attach_t body = {.key = signer.key};
        attach_signed_bytes(&w->committee.domain, w->self, 1000 + client_link(0), &body.key, text);
        signer.sign(signer.context, bytes_of(text, sizeof text), &body.signature);
        writer_t writer = writer_of(attaches[i], ATTACH_BYTES);
        attach_encode(&body, &writer);
    }
}

static bytes_t make_attach(world_t *w, uint32_t i) {
    (void)w;
    return bytes_of(attaches[i], ATTACH_BYTES);
}

static bytes_t make_known_attach(world_t *w, uint32_t i) {
    (void)w, (void)i;
    return bytes_of(attaches[KEYS_ATTACHED - 1], ATTACH_BYTES);
}

/* ---- measuring ---- */

static uint64_t thread_ns(void) {
    struct timespec now;
    int failed = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    require(failed == 0);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

typedef struct kind {
    const char *name;
    frame_kind_t frame;
    link_t link;
    bytes_t (*make)(world_t *w, uint32_t i);
    uint64_t charged;
} kind_t;

static void measure(world_t *w, const kind_t *kind) {
    double rounds[ROUNDS];
    uint64_t refused = report(w).quota_drops, bytes = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t spent = 0;
        for (uint32_t i = 0; i < FRAMES; i++) {
            w->now.now_ns += SECOND_NS / 100;
            bytes_t body = kind->make(w, round * FRAMES + i);
            forget(w);
            w->deaf = i > 0; /* one answer a round is looked at */
            uint64_t before = thread_ns();
            replica_on_frame(w->replica, w->now, kind->link, (frame_t){kind->frame, body});
            spent += thread_ns() - before;
            if (i == 0 && w->sent_count > 0)
                bytes = w->sent[0].size;
        }
        rounds[round] = (double)spent / FRAMES;
    }
    qsort(rounds, ROUNDS, sizeof rounds[0], by_size);
    printf("%-34s %9.0f %9.0f %9llu %9llu\n", kind->name, rounds[ROUNDS / 2], rounds[ROUNDS - 1],
           (unsigned long long)bytes, (unsigned long long)kind->charged);
    require(report(w).quota_drops == refused && w->closed_count == 0);
}

int main(void) {
    synod_app app = *synod_app_kv();
    app.open = open_kv;
    world_t *w = world_make(SUITE_ED25519, 1);
    w->config.app = &app;
    start(w);
    connect_all(w);
    prng = prng_of(1);
    fill();
    sign_attaches(w);
    const kind_t kinds[] = {
        {"attach, a key that is there", FRAME_ATTACH, client_link(0), make_known_attach,
         ATTACH_WORK_NS},
        {"attach, new keys, the table full", FRAME_ATTACH, client_link(0), make_attach,
         ATTACH_WORK_NS},
        {"get of 128 bytes", FRAME_QUERY, client_link(1), make_get, QUERY_WORK_NS},
        {"scan of 100 entries", FRAME_QUERY, client_link(1), make_short_scan, QUERY_WORK_NS},
        {"scan of 4,096 keys", FRAME_QUERY, client_link(1), make_scan, QUERY_WORK_NS},
        {"get with its proof", FRAME_QUERY, client_link(1), make_proof, PROOF_WORK_NS},
        {"status", FRAME_STATUS_ASK, client_link(2), make_status, STATUS_WORK_NS},
        {"block ask, nothing more", FRAME_BLOCK_ASK, member_link(2), make_ask, ASK_WORK_NS},
    };
    printf("%-34s %9s %9s %9s %9s\n", "ns of the loop for one", "median", "worst", "answer B",
           "charged");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        measure(w, &kinds[i]);
    free(attaches);
    world_close(w);
    return 0;
}
