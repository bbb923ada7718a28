/* What the uplink of a leader carries with each payload strategy, in the simulator: every member
 * may send so many bytes a second, every client asks its member for as much as its window takes.
 * The table of docs/protocols/payload.md.
 *
 *     payload_uplink [members ...]
 *
 * Throughput is that of the first half of what is asked for: at the end not all uplinks are busy.
 * Bytes are of the whole run. Virtual time: the same figures on every machine. 100 members take
 * 15 GB of memory and two minutes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/kv_client.h"
#include "base/check.h"
#include "sim/world.h"

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

enum { VALUE_BYTES = 8000, WINDOW = 32, BYTES_LEAST = 16 << 20 };
enum { BYTES_A_CLIENT = 3 * WINDOW * VALUE_BYTES / 2 };
enum { UPLINK_BYTES = 4000000, PAYLOAD_BYTES = 1 << 20 };

typedef struct figures {
    double seconds, mega, half, leader, median; /* half: kB a second */
} figures_t;

static world_options_t options_of(uint32_t members, uint32_t kind) {
    world_options_t options = world_options_quiet(members);
    options.clients = members;
    options.client_window = WINDOW;
    options.client_batch = 1;
    options.retry_ns = 120 * SECOND;
    options.delay_min_ns = options.delay_max_ns = 20 * MS;
    options.uplink_bytes = UPLINK_BYTES;
    options.chain.payload = kind;
    options.chain.core.payload_bytes_max = PAYLOAD_BYTES;
    options.chain.core.view_timeout_ns = 60 * SECOND;
    options.chain.core.request_patience_ns = 600 * SECOND;
    options.chain.checkpoint_blocks = 256;
    options.mempool_bytes = 64u << 20; /* as the daemon: nobody is told to wait */
    options.segment_bytes = 4u << 20;
    options.segments = 8 + members; /* more than a release needs (replica/space.c) */
    return options;
}

/* False: its queue is full. */
static bool ask(world_t *w, uint32_t client, size_t value_bytes) {
    static uint8_t value[VALUE_BYTES], room[VALUE_BYTES + 64];
    writer_t writer = writer_of(room, sizeof room);
    char key[16];
    snprintf(key, sizeof key, "key%u", client);
    kv_encode_set(&writer, bytes_of(key, strlen(key)), bytes_of(value, value_bytes));
    ensure(!writer.failed);
    return world_submit(w, client, writer_bytes(&writer)) != WORLD_BUSY;
}

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void settle(world_t *w) {
    bool settled = world_settle(w, world_now_ns(w) + 36000 * SECOND);
    if (!settled)
        fprintf(stderr, "payload_uplink: it does not settle: %s\n", world_report(w)->text);
    ensure(settled);
}

static uint64_t answered_bytes(world_t *w, uint64_t before) {
    return (world_report(w)->requests_answered - before) * VALUE_BYTES;
}

static figures_t measure(uint32_t members, uint32_t kind) {
    static uint64_t sent[WORLD_MEMBERS_MAX];
    world_options_t options = options_of(members, kind);
    world_t *w = world_open(&options);
    ensure(w != NULL);
    for (uint32_t c = 0; c < 2 * members; c++) /* sessions, and whom each client asks */
        ensure(ask(w, c % members, 8));
    settle(w);
    member_t leader = world_status(w, 0).leader;
    for (member_t m = 0; m < members; m++)
        sent[m] = world_sent_bytes(w, m);
    uint64_t each = BYTES_LEAST / members > BYTES_A_CLIENT ? BYTES_LEAST / members : BYTES_A_CLIENT;
    uint64_t began = world_now_ns(w), before = world_report(w)->requests_answered;
    uint64_t left[WORLD_MEMBERS_MAX], committed = members * (each / VALUE_BYTES) * VALUE_BYTES;
    figures_t f = {.mega = (double)committed / 1e6};
    for (uint32_t c = 0; c < members; c++)
        left[c] = each / VALUE_BYTES;
    for (bool more = true; more || f.half == 0.0; world_until(w, world_now_ns(w) + 10 * MS)) {
        more = false;
        for (uint32_t c = 0; c < members; c++) {
            while (left[c] > 0 && ask(w, c, VALUE_BYTES))
                left[c]--;
            more |= left[c] > 0;
        }
        uint64_t answered = answered_bytes(w, before);
        if (f.half == 0.0 && 2 * answered >= committed)
            f.half = (double)answered * 1e6 / (double)(world_now_ns(w) - began);
    }
    settle(w);
    f.seconds = (double)(world_now_ns(w) - began) / 1e9;
    for (member_t m = 0; m < members; m++)
        sent[m] = world_sent_bytes(w, m) - sent[m];
    f.leader = (double)sent[leader] / (double)committed;
    qsort(sent, members, sizeof sent[0], by_size);
    f.median = (double)sent[members / 2] / (double)committed;
    world_close(w);
    return f;
}

int main(int argc, char **argv) {
    static const char *const usual[] = {"4", "7", "10", "16", "31", "64", "100"};
    int count = argc > 1 ? argc - 1 : (int)(sizeof usual / sizeof usual[0]);
    printf(
        "members  strategy   MB     seconds  kB a second  bytes sent for a byte committed\n"
        "                                                 by the leader  by the median member\n");
    for (int i = 0; i < count; i++) {
        unsigned long members = strtoul(argc > 1 ? argv[i + 1] : usual[i], NULL, 10);
        if (members < 1 || members > WORLD_MEMBERS_MAX) {
            fprintf(stderr, "payload_uplink: 1 to %d members\n", WORLD_MEMBERS_MAX);
            return 2;
        }
        for (uint32_t kind = PAYLOAD_INLINE; kind <= PAYLOAD_CERTIFIED; kind++) {
            figures_t f = measure((uint32_t)members, kind);
            printf("%7lu  %-9s %6.1f %8.1f %12.0f %14.2f %21.2f\n", members, payload_name(kind),
                   f.mega, f.seconds, f.half, f.leader, f.median);
            fflush(stdout);
        }
    }
    return 0;
}
