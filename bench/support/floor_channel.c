/* Framed channels: sending, receiving and the TLS pump over memory BIOs. */
#include "bench/support/floor_channel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "bench/support/floor.h"
#include "bench/support/floor_tls.h"

enum {
    READ_BYTES = 256 << 10,  /* of one read call */
    RECORD_BYTES = 16 << 10, /* plain text of a full TLS record */
    DIRECT_BYTES = 64 << 10, /* from this size on, copying to gather costs more than it saves */
    INPUT_BYTES = 1 << 20,   /* first size of the input, so that whole blocks rarely move it */
};

static void lose(struct floor_channel *channel, const char *reason) {
    struct floor_hub *hub = channel->hub;
    if (channel->open) {
        hub->events.on_lost(hub->owner, channel, reason);
    }
}

/* ---- sending ---- */

static void on_written(uv_write_t *request, int status);

/* Hands to the socket what it takes at once, and the rest to an asynchronous write. */
static void write_wire(struct floor_channel *channel) {
    size_t size_bytes = floor_buffer_size(&channel->wire);
    if (channel->write_runs || !channel->open || size_bytes == 0) {
        return;
    }
    uv_stream_t *stream = (uv_stream_t *)&channel->tcp;
    uv_buf_t piece = uv_buf_init((char *)floor_buffer_head(&channel->wire), (unsigned)size_bytes);
    int taken = uv_try_write(stream, &piece, 1);
    if (taken < 0 && taken != UV_EAGAIN) {
        lose(channel, uv_strerror(taken));
        return;
    }
    channel->hub->sent_bytes += size_bytes;
    floor_buffer_consume(&channel->wire, taken > 0 ? (size_t)taken : 0);
    if (floor_buffer_size(&channel->wire) == 0) {
        return;
    }
    struct floor_buffer empty = channel->writing;
    channel->writing = channel->wire;
    channel->wire = empty;
    piece = uv_buf_init((char *)floor_buffer_head(&channel->writing),
                        (unsigned)floor_buffer_size(&channel->writing));
    channel->write_runs = true;
    floor_must(uv_write(&channel->write, stream, &piece, 1, on_written), "writing to a socket");
}

static void on_written(uv_write_t *request, int status) {
    struct floor_channel *channel = request->data;
    floor_buffer_consume(&channel->writing, floor_buffer_size(&channel->writing));
    channel->write_runs = false;
    if (status < 0) {
        lose(channel, uv_strerror(status));
    } else {
        write_wire(channel);
    }
}

/* Moves what TLS has made from its BIO to the wire buffer. */
static void drain_tls(struct floor_channel *channel) {
    size_t pending_bytes = BIO_ctrl_pending(channel->to_wire);
    while (pending_bytes > 0) {
        uint8_t *room = floor_buffer_reserve(&channel->wire, pending_bytes);
        size_t got_bytes = 0;
        if (BIO_read_ex(channel->to_wire, room, pending_bytes, &got_bytes) != 1) {
            floor_fatal("reading the BIO of TLS: %s", floor_tls_error());
        }
        channel->wire.end += got_bytes;
        pending_bytes = BIO_ctrl_pending(channel->to_wire);
    }
}

static void encrypt(struct floor_channel *channel, const uint8_t *bytes, size_t size_bytes) {
    size_t written_bytes = 0;
    if (SSL_write_ex(channel->ssl, bytes, size_bytes, &written_bytes) != 1 ||
        written_bytes != size_bytes) {
        floor_fatal("TLS write: %s", floor_tls_error());
    }
}

static void encrypt_gathered(struct floor_channel *channel) {
    size_t size_bytes = floor_buffer_size(&channel->plain);
    if (size_bytes > 0) {
        encrypt(channel, floor_buffer_head(&channel->plain), size_bytes);
        floor_buffer_consume(&channel->plain, size_bytes);
    }
}

void floor_channel_flush(struct floor_channel *channel) {
    if (!channel->established) {
        return;
    }
    if (channel->ssl != NULL) {
        encrypt_gathered(channel);
        drain_tls(channel);
    }
    write_wire(channel);
}

/* A large message: straight from the caller's memory into the socket, or into TLS. */
static void send_direct(struct floor_channel *channel, const uint8_t *bytes, size_t size_bytes) {
    if (channel->ssl != NULL) {
        encrypt_gathered(channel);
        encrypt(channel, bytes, size_bytes);
        return;
    }
    write_wire(channel);
    if (!channel->write_runs) {
        uv_buf_t piece = {.base = (char *)(uintptr_t)bytes, .len = size_bytes};
        int taken = uv_try_write((uv_stream_t *)&channel->tcp, &piece, 1);
        if (taken > 0) {
            channel->hub->sent_bytes += (uint64_t)taken;
            bytes += taken;
            size_bytes -= (size_t)taken;
        }
    }
    /* The rest, or after an error all of it: the next write reports the error. */
    floor_buffer_append(&channel->wire, bytes, size_bytes);
}

void floor_channel_send(struct floor_channel *channel, const void *bytes, size_t size_bytes) {
    if (!channel->open) {
        return;
    }
    if (channel->established && size_bytes >= DIRECT_BYTES) {
        send_direct(channel, bytes, size_bytes);
    } else {
        bool plain = channel->hub->tls == NULL;
        floor_buffer_append(plain ? &channel->wire : &channel->plain, bytes, size_bytes);
    }
}

size_t floor_channel_backlog_bytes(const struct floor_channel *channel) {
    return floor_buffer_size(&channel->plain) + floor_buffer_size(&channel->wire) +
           floor_buffer_size(&channel->writing);
}

/* ---- receiving ---- */

static void take_frames(struct floor_channel *channel) {
    struct floor_hub *hub = channel->hub;
    while (channel->open && floor_buffer_size(&channel->input) >= sizeof(struct floor_frame)) {
        struct floor_frame frame;
        const uint8_t *bytes = floor_buffer_head(&channel->input);
        memcpy(&frame, bytes, sizeof frame);
        if (frame.size_bytes < sizeof frame || frame.size_bytes > FLOOR_FRAME_BYTES_MAX) {
            lose(channel, "a frame of impossible size");
            return;
        }
        if (floor_buffer_size(&channel->input) < frame.size_bytes) {
            return;
        }
        hub->events.on_frame(hub->owner, channel, &frame, bytes);
        floor_buffer_consume(&channel->input, frame.size_bytes);
    }
}

static void shake_hands(struct floor_channel *channel) {
    int result = SSL_do_handshake(channel->ssl);
    drain_tls(channel);
    write_wire(channel);
    if (result == 1) {
        channel->established = true;
        channel->hub->events.on_established(channel->hub->owner, channel);
    } else if (SSL_get_error(channel->ssl, result) != SSL_ERROR_WANT_READ) {
        lose(channel, floor_tls_error());
    }
}

static void decrypt(struct floor_channel *channel, const char *bytes, size_t size_bytes) {
    size_t got_bytes = 0;
    if (BIO_write_ex(channel->from_wire, bytes, size_bytes, &got_bytes) != 1) {
        floor_fatal("filling the BIO of TLS: %s", floor_tls_error());
    }
    if (!channel->established) {
        shake_hands(channel);
    }
    if (!channel->established || !channel->open) {
        return;
    }
    for (;;) {
        uint8_t *room = floor_buffer_reserve(&channel->input, RECORD_BYTES);
        int result = SSL_read_ex(channel->ssl, room, RECORD_BYTES, &got_bytes);
        if (result != 1) {
            if (SSL_get_error(channel->ssl, result) != SSL_ERROR_WANT_READ) {
                lose(channel, floor_tls_error());
            }
            return;
        }
        channel->input.end += got_bytes;
    }
}

static void on_allocate(uv_handle_t *handle, size_t suggested_bytes, uv_buf_t *piece) {
    struct floor_channel *channel = handle->data;
    (void)suggested_bytes;
    uint8_t *room = channel->ssl != NULL ? channel->hub->ciphertext
                                         : floor_buffer_reserve(&channel->input, READ_BYTES);
    *piece = uv_buf_init((char *)room, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t result, const uv_buf_t *piece) {
    struct floor_channel *channel = stream->data;
    if (result < 0) {
        uv_read_stop(stream);
        lose(channel, uv_strerror((int)result));
    } else if (result > 0) {
        if (channel->ssl != NULL) {
            decrypt(channel, piece->base, (size_t)result);
        } else {
            channel->input.end += (size_t)result;
        }
        take_frames(channel);
    }
}

/* ---- connecting and closing ---- */

static struct floor_channel *new_channel(struct floor_hub *hub, unsigned peer, bool accepting) {
    if (hub->channel_count == FLOOR_CHANNELS_MAX) {
        floor_fatal("a connection that nobody was to make");
    }
    struct floor_channel *channel = &hub->channels[hub->channel_count++];
    channel->hub = hub;
    channel->peer = peer;
    channel->open = true;
    floor_must(uv_tcp_init(hub->loop, &channel->tcp), "opening a socket");
    channel->tcp.data = channel;
    channel->write.data = channel;
    channel->connect.data = channel;
    floor_buffer_reserve(&channel->input, INPUT_BYTES);
    if (hub->tls != NULL) {
        channel->ssl = floor_tls_connection(hub->tls, accepting);
        channel->from_wire = BIO_new(BIO_s_mem());
        channel->to_wire = BIO_new(BIO_s_mem());
        if (channel->from_wire == NULL || channel->to_wire == NULL) {
            floor_fatal("out of memory for a BIO");
        }
        SSL_set_bio(channel->ssl, channel->from_wire, channel->to_wire);
    }
    return channel;
}

static void begin(struct floor_channel *channel, bool accepted) {
    floor_must(uv_tcp_nodelay(&channel->tcp, 1), "TCP_NODELAY");
    floor_must(uv_read_start((uv_stream_t *)&channel->tcp, on_allocate, on_read), "reading");
    if (channel->ssl == NULL) {
        channel->established = true;
        channel->hub->events.on_established(channel->hub->owner, channel);
    } else if (!accepted) {
        shake_hands(channel);
    }
}

static void on_connected(uv_connect_t *request, int status) {
    struct floor_channel *channel = request->data;
    if (status == UV_ECANCELED) {
        return;
    }
    floor_must(status, "connecting");
    begin(channel, false);
}

static void on_connection(uv_stream_t *listener, int status) {
    struct floor_hub *hub = listener->data;
    floor_must(status, "accepting a connection");
    struct floor_channel *channel = new_channel(hub, FLOOR_PROCESSES, true);
    floor_must(uv_accept(listener, (uv_stream_t *)&channel->tcp), "accepting a connection");
    begin(channel, true);
}

void floor_hub_open(struct floor_hub *hub, uv_loop_t *loop, const struct floor_tls *tls,
                    const struct floor_hub_events *events, void *owner) {
    *hub = (struct floor_hub){.loop = loop, .tls = tls, .events = *events, .owner = owner};
    hub->ciphertext = floor_allocate(READ_BYTES);
}

void floor_hub_listen(struct floor_hub *hub, int socket) {
    floor_must(uv_tcp_init(hub->loop, &hub->listener), "opening the listener");
    floor_must(uv_tcp_open(&hub->listener, socket), "opening the listener");
    hub->listener.data = hub;
    hub->listens = true;
    floor_must(uv_listen((uv_stream_t *)&hub->listener, FLOOR_CHANNELS_MAX, on_connection),
               "listening");
}

struct floor_channel *floor_hub_connect(struct floor_hub *hub, uint16_t port, unsigned peer) {
    struct floor_channel *channel = new_channel(hub, peer, false);
    struct sockaddr_in address;
    floor_must(uv_ip4_addr("127.0.0.1", port, &address), "address");
    floor_must(uv_tcp_connect(&channel->connect, &channel->tcp, (const struct sockaddr *)&address,
                              on_connected),
               "connecting");
    return channel;
}

void floor_hub_flush(struct floor_hub *hub) {
    for (unsigned i = 0; i < hub->channel_count; i++) {
        floor_channel_flush(&hub->channels[i]);
    }
}

void floor_hub_close(struct floor_hub *hub) {
    if (hub->listens) {
        uv_close((uv_handle_t *)&hub->listener, NULL);
    }
    for (unsigned i = 0; i < hub->channel_count; i++) {
        hub->channels[i].open = false;
        uv_close((uv_handle_t *)&hub->channels[i].tcp, NULL);
    }
}

void floor_hub_free(struct floor_hub *hub) {
    for (unsigned i = 0; i < hub->channel_count; i++) {
        struct floor_channel *channel = &hub->channels[i];
        SSL_free(channel->ssl);
        floor_buffer_free(&channel->input);
        floor_buffer_free(&channel->plain);
        floor_buffer_free(&channel->wire);
        floor_buffer_free(&channel->writing);
    }
    free(hub->ciphertext);
}
