/*
 * What the parts of the floors program share: settings, the world made before the fork, and counts.
 *
 * A floor is the least that any replication of this shape must spend; bench/floors.c says what the
 * three floors are. Everything here describes one run: five processes on one machine, so frames are
 * in host byte order and every unexpected byte is an error of this program, which ends the run.
 */
#ifndef SYNOD_BENCH_FLOOR_H
#define SYNOD_BENCH_FLOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct floor_tls;

enum {
    FLOOR_REPLICAS = 4,
    FLOOR_QUORUM = 3,           /* 2f + 1 of n = 4, f = 1 */
    FLOOR_MATCHING_REPLIES = 2, /* f + 1 */
    FLOOR_PROCESSES = 5,
    FLOOR_LEADER = 0,
    FLOOR_CLIENT = 4,
    FLOOR_KEY_BYTES = 16,
    FLOOR_DIGEST_BYTES = 32,
    FLOOR_SIGNATURE_BYTES = 64,
    FLOOR_PUBLIC_KEY_BYTES = 32,
    FLOOR_SECRET_KEY_BYTES = 64,
    FLOOR_BLOCK_BYTES_MAX = 1 << 20, /* batches of one block, frames included */
    FLOOR_KEYS = 100000,
    FLOOR_MAP_BYTES_MAX = 256 << 20, /* large payloads get fewer keys, so that four maps fit */
};

enum floor_kind {
    FLOOR_A, /* plain TCP and hashing */
    FLOOR_B, /* A over TLS 1.3 */
    FLOOR_C, /* B with client signatures, a key-value map and replies from every replica */
};

struct floor_settings {
    enum floor_kind kind;
    uint32_t payload_bytes;
    uint32_t batch_operations;
    uint32_t outstanding_batches;
    uint32_t pipeline_blocks;
    uint64_t warm_up_ns;
    uint64_t duration_ns;
    bool fsync;
    const char *directory; /* of the journals; used with fsync only */
};

/* What the parent makes before the fork and every process inherits. */
struct floor_world {
    const struct floor_settings *settings;
    struct floor_tls *tls; /* null in floor A */
    int listeners[FLOOR_REPLICAS];
    uint16_t ports[FLOOR_REPLICAS];
    uint8_t public_key[FLOOR_PUBLIC_KEY_BYTES]; /* of the client */
    uint8_t secret_key[FLOOR_SECRET_KEY_BYTES];
};

/* What one process spent and did; fields that are not its business stay zero. */
struct floor_counts {
    uint64_t time_ns;
    uint64_t cpu_user_ns;
    uint64_t cpu_system_ns;
    uint64_t sent_bytes; /* written to its sockets, TLS included, TCP and IP headers not */
    uint64_t operations; /* completed at the client */
    uint64_t batches;    /* completed at the client */
    uint64_t blocks;     /* decided at the leader */
    uint64_t block_batches;
    uint64_t fsyncs;
};

/* Sent through the control socket when the window ends: counts are those of the window. */
struct floor_report {
    struct floor_counts counts;
    uint64_t latency_p50_ns;
    uint64_t latency_p99_ns;
};

struct floor_result {
    struct floor_report reports[FLOOR_PROCESSES];
};

/* One byte each on the control socket of a process. */
enum floor_control {
    FLOOR_CONTROL_READY = 'r', /* process to parent: connected to all its peers */
    FLOOR_CONTROL_START = 's',
    FLOOR_CONTROL_BEGIN = 'b',
    FLOOR_CONTROL_END = 'e', /* answered by a report */
    FLOOR_CONTROL_QUIT = 'q',
};

/* Name of a process for messages, by its index. */
const char *floor_process_name(unsigned index);

/* Bytes of a batch on the wire, frame and signature included. */
size_t floor_batch_frame_bytes(const struct floor_settings *settings);

/* Distinct keys that the client writes: FLOOR_KEYS unless the payload is large. */
uint32_t floor_key_count(const struct floor_settings *settings);

/* Ends this process with status 1; nothing in a benchmark is worth recovering from. */
_Noreturn void floor_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fatal when a libuv result is negative; gives the result back. */
int floor_must(int uv_result, const char *what);

/* Zeroed memory, or fatal. */
void *floor_allocate(size_t size_bytes);

/* Runs one floor in five new processes. False, with the reason on stderr, when it failed. */
bool floor_run(const struct floor_settings *settings, struct floor_result *result);

#endif
