/* What `kv` costs: microseconds of one thread for a get, for a set, and for each write that `root`
 * settles, over the number of keys, the size of values and the number of writes between two roots.
 *
 *     kv_cost [largest number of keys]
 *
 * Operations are encoded beforehand; a get or a set is one call of `execute`, decoding and reply
 * included. Keys are 16 bytes, written and read in random order. A snapshot is given out in pieces
 * of 128 KiB, as the replica takes them, with 100 writes after each; what counts is the longest
 * call, because nothing else runs meanwhile. The last row shows the keys that are worst for an
 * ordered index (docs/adr/0002-kv-state-and-proofs.md). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <synod/app.h>

#include "app/kv_client.h"
#include "base/check.h"
#include "base/prng.h"

enum { KEY_BYTES = 16, OPERATIONS = 1 << 16, VALUE_BYTES_MAX = 1024 };
enum { OPERATION_BYTES_MAX = 3 + KEY_BYTES + 4 + VALUE_BYTES_MAX };
static const uint64_t phase_time_ns = UINT64_C(300000000);

typedef struct bench {
    const synod_app *app;
    void *state;
    uint8_t *bytes; /* OPERATIONS encoded operations, one after the other */
    size_t *ends;
    prng_t prng;
    uint64_t keys;
    uint32_t value_bytes;
    uint64_t checksum; /* of replies, so that nothing is optimised away */
} bench_t;

static uint64_t now_ns(void) {
    struct timespec now;
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);
    require(failed == 0);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static bool count_reply(void *context, synod_bytes bytes) {
    *(uint64_t *)context += bytes.size + bytes.data[0];
    return true;
}

static void run(bench_t *bench, synod_bytes operation) {
    const synod_block_info block = {.height = 1};
    synod_writer reply = {count_reply, &bench->checksum, KV_REPLY_BYTES_MAX};
    synod_status status = bench->app->execute(bench->state, &block, operation, &reply);
    require(status == SYNOD_OK);
}

static size_t start_of(const bench_t *bench, size_t slot) {
    return slot == 0 ? 0 : bench->ends[slot - 1];
}

static void run_slot(bench_t *bench, size_t slot) {
    size_t start = start_of(bench, slot);
    run(bench, bytes_of(bench->bytes + start, bench->ends[slot] - start));
}

static bytes_t key_of(uint64_t number, char text[KEY_BYTES + 1]) {
    (void)snprintf(text, KEY_BYTES + 1, "key:%012" PRIu64, number % UINT64_C(1000000000000));
    return bytes_of(text, KEY_BYTES);
}

/* Encodes one operation after that of the slot before: a set of a fresh value, or a get. */
static void encode_slot(bench_t *bench, size_t slot, uint64_t number, bool set) {
    char text[KEY_BYTES + 1];
    uint8_t value[VALUE_BYTES_MAX];
    size_t start = start_of(bench, slot);
    writer_t writer = writer_of(bench->bytes + start, OPERATION_BYTES_MAX);
    if (set) {
        for (uint32_t at = 0; at < bench->value_bytes; at += 8) {
            store_u64(value + at, prng_next(&bench->prng));
        }
        kv_encode_set(&writer, key_of(number, text), bytes_of(value, bench->value_bytes));
    } else {
        kv_encode_get(&writer, key_of(number, text));
    }
    require(!writer.failed);
    bench->ends[slot] = start + writer.at;
}

static void encode_random(bench_t *bench, bool set) {
    for (size_t slot = 0; slot < OPERATIONS; slot++) {
        encode_slot(bench, slot, prng_below(&bench->prng, bench->keys), set);
    }
}

static double microseconds(uint64_t time_ns, uint64_t count) {
    return (double)time_ns / 1000.0 / (double)count;
}

/* Inserts all keys, in an order far from sorted; the cost of one insertion. */
static double fill(bench_t *bench) {
    const uint64_t stride = UINT64_C(2654435761); /* a prime: visits each key once */
    uint64_t time_ns = 0;
    for (uint64_t done = 0; done < bench->keys;) {
        size_t batch = 0;
        for (; batch < OPERATIONS && done < bench->keys; batch++, done++) {
            encode_slot(bench, batch, done * stride % bench->keys, true);
        }
        uint64_t start_ns = now_ns();
        for (size_t slot = 0; slot < batch; slot++) {
            run_slot(bench, slot);
        }
        time_ns += now_ns() - start_ns;
    }
    return microseconds(time_ns, bench->keys);
}

static double measure_get(bench_t *bench) {
    encode_random(bench, false);
    uint64_t start_ns = now_ns(), count = 0, time_ns = 0;
    do {
        for (size_t slot = 0; slot < OPERATIONS; slot++) {
            run_slot(bench, slot);
        }
        count += OPERATIONS;
        time_ns = now_ns() - start_ns;
    } while (time_ns < phase_time_ns);
    return microseconds(time_ns, count);
}

typedef struct write_cost {
    double set_us, root_us;
} write_cost_t;

/* Batches of sets, a root after each: the cost of a set, and of the root for each of them. */
static write_cost_t measure_writes(bench_t *bench, size_t batch) {
    encode_random(bench, true);
    uint64_t set_ns = 0, root_ns = 0, count = 0;
    size_t slot = 0;
    while (set_ns + root_ns < phase_time_ns) {
        uint64_t start_ns = now_ns();
        for (size_t i = 0; i < batch; i++, slot = (slot + 1) % OPERATIONS) {
            run_slot(bench, slot);
        }
        uint64_t set_end_ns = now_ns();
        synod_digest root;
        bench->app->root(bench->state, &root);
        bench->checksum += root.bytes[0];
        root_ns += now_ns() - set_end_ns;
        set_ns += set_end_ns - start_ns;
        count += batch;
    }
    return (write_cost_t){microseconds(set_ns, count), microseconds(root_ns, count)};
}

static void open_state(bench_t *bench) {
    synod_status status = bench->app->open(&bench->state);
    require(status == SYNOD_OK);
}

static bool drop_piece(void *context, synod_bytes bytes) {
    *(uint64_t *)context += bytes.size;
    return true;
}

static void measure_snapshot(bench_t *bench) {
    synod_digest root;
    uint64_t bytes = 0, longest_ns = 0, sum_ns = 0, pieces = 0;
    bench->app->root(bench->state, &root);
    uint64_t start_ns = now_ns();
    bench->app->snapshot_begin(bench->state);
    uint64_t begin_ns = now_ns() - start_ns;
    for (bool more = true; more; pieces++) {
        synod_writer piece = {drop_piece, &bytes, 128u << 10};
        start_ns = now_ns();
        synod_status status = bench->app->snapshot_next(bench->state, &piece, &more);
        uint64_t took_ns = now_ns() - start_ns;
        require(status == SYNOD_OK);
        longest_ns = took_ns > longest_ns ? took_ns : longest_ns;
        sum_ns += took_ns;
        for (uint32_t i = 0; i < 100; i++) {
            run_slot(bench, prng_below(&bench->prng, OPERATIONS));
        }
    }
    start_ns = now_ns();
    bench->app->snapshot_end(bench->state);
    uint64_t end_ns = now_ns() - start_ns;
    printf("    snapshot of %.1f MB: begin %.3f, longest piece %.3f, end %.3f ms; %.1f MB/s\n",
           (double)bytes / 1e6, (double)begin_ns / 1e6, (double)longest_ns / 1e6,
           (double)end_ns / 1e6, (double)bytes * 1e3 / (double)(sum_ns == 0 ? 1 : sum_ns));
}

static void measure_size(bench_t *bench, uint64_t keys, uint32_t value_bytes) {
    bench->keys = keys;
    bench->value_bytes = value_bytes;
    open_state(bench);
    double insert_us = fill(bench);
    synod_digest root;
    uint64_t start_ns = now_ns();
    bench->app->root(bench->state, &root);
    double settle_us = microseconds(now_ns() - start_ns, keys);
    double get_us = measure_get(bench);
    printf("%8" PRIu64 " keys %5u B: insert %.3f, root after all inserts %.3f, get %.3f us\n", keys,
           value_bytes, insert_us, settle_us, get_us);
    static const size_t batches[] = {1, 100, 1000, 10000};
    for (size_t i = 0; i < sizeof batches / sizeof batches[0]; i++) {
        write_cost_t cost = measure_writes(bench, batches[i]);
        printf("    %5zu writes a root: set %.3f, root %.3f us a write\n", batches[i], cost.set_us,
               cost.root_us);
    }
    measure_snapshot(bench);
    (void)fflush(stdout);
    bench->app->close(bench->state);
}

/* For each bit of one key of the largest size, a key that leaves it there: thousands of levels of a
 * trie over the keys. */
static void measure_prefixes(bench_t *bench) {
    static uint8_t operation[3 + KV_KEY_BYTES_MAX + 4];
    uint8_t key[KV_KEY_BYTES_MAX] = {0};
    uint64_t count = 0, time_ns = 0;
    open_state(bench);
    for (size_t size = 1; size <= sizeof key; size++) {
        for (uint32_t bit = 0; bit < 8; bit++) {
            key[size - 1] = (uint8_t)(1u << bit);
            writer_t writer = writer_of(operation, sizeof operation);
            kv_encode_set(&writer, bytes_of(key, size), bytes_of(NULL, 0));
            uint64_t start_ns = now_ns();
            run(bench, writer_bytes(&writer));
            time_ns += now_ns() - start_ns;
            count++;
        }
        key[size - 1] = 0;
    }
    printf("keys with the longest common prefixes: insert %.3f us on average over %" PRIu64 "\n",
           microseconds(time_ns, count), count);
    bench->app->close(bench->state);
}

int main(int argument_count, char **arguments) {
    uint64_t keys_max = argument_count > 1 ? strtoull(arguments[1], NULL, 10) : 1000000;
    bench_t bench = {.app = synod_app_kv(), .prng = prng_of(1)};
    bench.bytes = malloc((size_t)OPERATIONS * OPERATION_BYTES_MAX);
    bench.ends = malloc((size_t)OPERATIONS * sizeof bench.ends[0]);
    require(bench.bytes != NULL && bench.ends != NULL);
    static const uint64_t keys[] = {1000, 131072, 1000000};
    static const uint32_t value_bytes[] = {0, 128, 1024};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && keys[i] <= keys_max; i++) {
        for (size_t j = 0; j < sizeof value_bytes / sizeof value_bytes[0]; j++) {
            measure_size(&bench, keys[i], value_bytes[j]);
        }
    }
    measure_prefixes(&bench);
    printf("checksum of replies %016" PRIx64 "\n", bench.checksum);
    free(bench.bytes);
    free(bench.ends);
    return 0;
}
