/*
 * Framed channels between the processes of a floor: TCP on libuv, plain or inside TLS 1.3.
 *
 * What is sent during one turn of the loop leaves in one write (and few TLS records) when the hub
 * is flushed. At most one asynchronous write per channel is under way; until it ends, further
 * bytes gather behind it.
 */
#ifndef SYNOD_BENCH_FLOOR_CHANNEL_H
#define SYNOD_BENCH_FLOOR_CHANNEL_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "bench/support/floor_buffer.h"

struct floor_tls;
struct floor_hub;

/* Begins every message; host byte order, as both ends run on one machine. */
struct floor_frame {
    uint32_t size_bytes; /* of the whole frame, this header included */
    uint32_t kind;
    uint64_t number; /* of the batch or block, or the index of the process that says hello */
};

enum floor_frame_kind {
    FLOOR_FRAME_HELLO = 1, /* first on a connection: who connects */
    FLOOR_FRAME_BATCH,     /* operations, in floor C followed by the client's signature */
    FLOOR_FRAME_BLOCK,     /* decided height as 8 bytes, then batch frames as they came */
    FLOOR_FRAME_ACK,       /* digest of the block */
    FLOOR_FRAME_DECIDED,   /* all blocks up to this one are decided */
    FLOOR_FRAME_REPLY,     /* to a batch: digest of its block */
};

enum {
    FLOOR_CHANNELS_MAX = 5,
    FLOOR_FRAME_BYTES_MAX = (1 << 20) + 4096, /* a full block and its own header */
};

struct floor_channel {
    struct floor_hub *hub;
    unsigned peer; /* index of the process at the other end, FLOOR_PROCESSES until it is known */
    bool open;
    bool established; /* frames may flow: connected, and the TLS handshake is over */
    bool write_runs;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    SSL *ssl;       /* null on a plain channel */
    BIO *from_wire; /* both owned by ssl */
    BIO *to_wire;
    struct floor_buffer input;   /* plain text received, not yet a whole frame */
    struct floor_buffer plain;   /* plain text to be encrypted by the next flush */
    struct floor_buffer wire;    /* bytes for the socket */
    struct floor_buffer writing; /* bytes of the asynchronous write under way */
};

struct floor_hub_events {
    void (*on_established)(void *owner, struct floor_channel *channel);
    /* `bytes` is the whole frame, valid during the call only. */
    void (*on_frame)(void *owner, struct floor_channel *channel, const struct floor_frame *frame,
                     const uint8_t *bytes);
    void (*on_lost)(void *owner, struct floor_channel *channel, const char *reason);
};

/* All channels of a process. */
struct floor_hub {
    uv_loop_t *loop;
    const struct floor_tls *tls;
    struct floor_hub_events events;
    void *owner;
    bool listens;
    uv_tcp_t listener;
    unsigned channel_count;
    struct floor_channel channels[FLOOR_CHANNELS_MAX];
    uint8_t *ciphertext; /* where TLS channels read to; shared, as each read is used at once */
    uint64_t sent_bytes;
};

/* A null tls makes plain channels. */
void floor_hub_open(struct floor_hub *hub, uv_loop_t *loop, const struct floor_tls *tls,
                    const struct floor_hub_events *events, void *owner);

/* Accepts on a bound socket, which the hub then owns. */
void floor_hub_listen(struct floor_hub *hub, int socket);

/* Connects to this machine; what is sent before it is established waits. */
struct floor_channel *floor_hub_connect(struct floor_hub *hub, uint16_t port, unsigned peer);

/* Lets everything gathered go. */
void floor_hub_flush(struct floor_hub *hub);

/* Starts closing; run the loop until it ends, then free. */
void floor_hub_close(struct floor_hub *hub);
void floor_hub_free(struct floor_hub *hub);

void floor_channel_send(struct floor_channel *channel, const void *bytes, size_t size_bytes);

void floor_channel_flush(struct floor_channel *channel);

/* Bytes that the socket has not yet taken. */
size_t floor_channel_backlog_bytes(const struct floor_channel *channel);

#endif
