/* The frame around every process of a floor. */
#include "bench/support/floor_process.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static uint64_t nanoseconds(struct timeval time) {
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_usec * 1000U;
}

static struct floor_counts counts_now(const struct floor_process *process) {
    struct rusage usage;
    floor_must(getrusage(RUSAGE_SELF, &usage), "getrusage");
    struct floor_counts counts = {
        .time_ns = uv_hrtime(),
        .cpu_user_ns = nanoseconds(usage.ru_utime),
        .cpu_system_ns = nanoseconds(usage.ru_stime),
        .sent_bytes = process->hub.sent_bytes,
    };
    process->role->count(process->state, &counts);
    return counts;
}

static struct floor_counts difference(const struct floor_counts *end,
                                      const struct floor_counts *begin) {
    return (struct floor_counts){
        .time_ns = end->time_ns - begin->time_ns,
        .cpu_user_ns = end->cpu_user_ns - begin->cpu_user_ns,
        .cpu_system_ns = end->cpu_system_ns - begin->cpu_system_ns,
        .sent_bytes = end->sent_bytes - begin->sent_bytes,
        .operations = end->operations - begin->operations,
        .batches = end->batches - begin->batches,
        .blocks = end->blocks - begin->blocks,
        .block_batches = end->block_batches - begin->block_batches,
        .fsyncs = end->fsyncs - begin->fsyncs,
    };
}

static void tell_parent(struct floor_process *process, const void *bytes, size_t size_bytes) {
    uv_buf_t piece = {.base = (char *)(uintptr_t)bytes, .len = size_bytes};
    int written = uv_try_write((uv_stream_t *)&process->control, &piece, 1);
    /* The socket is empty and takes far more than a report, so it takes all or is broken. */
    if (floor_must(written, "telling the parent") != (int)size_bytes) {
        floor_fatal("the parent does not read its control socket");
    }
}

static void call(void (*function)(void *state), struct floor_process *process) {
    if (function != NULL) {
        function(process->state);
    }
}

static void on_link(struct floor_process *process) {
    process->links++;
    if (process->links == process->links_all) {
        char byte = FLOOR_CONTROL_READY;
        process->ready = true;
        tell_parent(process, &byte, 1);
    }
}

/* ---- channels ---- */

static void on_established(void *owner, struct floor_channel *channel) {
    struct floor_process *process = owner;
    if (channel->peer == FLOOR_PROCESSES) {
        return; /* accepted: counts when the other end has said who it is */
    }
    struct floor_frame hello = {
        .size_bytes = sizeof hello, .kind = FLOOR_FRAME_HELLO, .number = process->index};
    floor_channel_send(channel, &hello, sizeof hello);
    on_link(process);
}

static void on_frame(void *owner, struct floor_channel *channel, const struct floor_frame *frame,
                     const uint8_t *bytes) {
    struct floor_process *process = owner;
    if (frame->kind == FLOOR_FRAME_HELLO) {
        if (channel->peer != FLOOR_PROCESSES || frame->number >= FLOOR_PROCESSES) {
            floor_fatal("%s: a greeting out of place", floor_process_name(process->index));
        }
        channel->peer = (unsigned)frame->number;
        process->role->on_hello(process->state, channel);
        on_link(process);
    } else if (channel->peer == FLOOR_PROCESSES) {
        floor_fatal("%s: a frame before the greeting", floor_process_name(process->index));
    } else {
        process->role->on_frame(process->state, channel, frame, bytes);
    }
}

static void on_lost(void *owner, struct floor_channel *channel, const char *reason) {
    const struct floor_process *process = owner;
    if (!process->measured) {
        floor_fatal("%s lost its connection to %s: %s", floor_process_name(process->index),
                    floor_process_name(channel->peer), reason);
    }
}

/* ---- control by the parent ---- */

static void close_all(struct floor_process *process) {
    if (!process->closing) {
        process->closing = true;
        uv_close((uv_handle_t *)&process->control, NULL);
        uv_close((uv_handle_t *)&process->turn, NULL);
        floor_hub_close(&process->hub);
    }
}

static void end_window(struct floor_process *process) {
    struct floor_counts now = counts_now(process);
    struct floor_report report = {.counts = difference(&now, &process->window_begin)};
    process->measured = true;
    if (process->role->on_end != NULL) {
        process->role->on_end(process->state, &report);
    }
    tell_parent(process, &report, sizeof report);
}

static void on_control_byte(struct floor_process *process, char byte) {
    switch (byte) {
    case FLOOR_CONTROL_START:
        call(process->role->on_start, process);
        break;
    case FLOOR_CONTROL_BEGIN:
        call(process->role->on_begin, process);
        process->window_begin = counts_now(process);
        break;
    case FLOOR_CONTROL_END:
        end_window(process);
        break;
    case FLOOR_CONTROL_QUIT:
        process->quit = true;
        close_all(process);
        break;
    default:
        floor_fatal("%s: unknown order from the parent", floor_process_name(process->index));
    }
}

static void on_control_allocate(uv_handle_t *handle, size_t suggested_bytes, uv_buf_t *piece) {
    struct floor_process *process = handle->data;
    (void)suggested_bytes;
    *piece = uv_buf_init(&process->control_byte, 1);
}

static void on_control_read(uv_stream_t *stream, ssize_t result, const uv_buf_t *piece) {
    struct floor_process *process = stream->data;
    if (result < 0) {
        close_all(process); /* the parent is gone: nobody wants the figures */
    } else if (result > 0) {
        on_control_byte(process, piece->base[0]);
    }
}

static void on_turn(uv_prepare_t *turn) {
    struct floor_process *process = turn->data;
    call(process->role->on_turn, process);
    floor_hub_flush(&process->hub);
}

/* ---- life ---- */

static void open_loop(struct floor_process *process, int control_socket) {
    floor_must(uv_loop_init(&process->loop), "opening the event loop");
    floor_must(uv_pipe_init(&process->loop, &process->control, 0), "opening the control socket");
    floor_must(uv_pipe_open(&process->control, control_socket), "opening the control socket");
    process->control.data = process;
    floor_must(
        uv_read_start((uv_stream_t *)&process->control, on_control_allocate, on_control_read),
        "reading the control socket");
    floor_must(uv_prepare_init(&process->loop, &process->turn), "opening the turn hook");
    process->turn.data = process;
    floor_must(uv_prepare_start(&process->turn, on_turn), "starting the turn hook");
}

int floor_process_run(const struct floor_world *world, unsigned index, int control_socket) {
    static const struct floor_hub_events events = {
        .on_established = on_established, .on_frame = on_frame, .on_lost = on_lost};
    const struct floor_role *role = &floor_role_follower;
    if (index == FLOOR_LEADER) {
        role = &floor_role_leader;
    } else if (index == FLOOR_CLIENT) {
        role = &floor_role_client;
    }
    struct floor_process *process = floor_allocate(sizeof *process);
    process->world = world;
    process->settings = world->settings;
    process->role = role;
    process->index = index;
    open_loop(process, control_socket);
    floor_hub_open(&process->hub, &process->loop, world->tls, &events, process);
    process->state = role->open(process);
    if (index < FLOOR_REPLICAS) {
        floor_hub_listen(&process->hub, world->listeners[index]);
    }
    uv_run(&process->loop, UV_RUN_DEFAULT);
    role->close(process->state);
    floor_must(uv_loop_close(&process->loop), "closing the event loop");
    floor_hub_free(&process->hub);
    int status = process->quit ? 0 : 1;
    free(process);
    return status;
}
