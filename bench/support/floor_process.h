/*
 * What the leader, the followers and the client have in common: a loop, channels, the control
 * socket to the parent, and counting over the measured window.
 */
#ifndef SYNOD_BENCH_FLOOR_PROCESS_H
#define SYNOD_BENCH_FLOOR_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "bench/support/floor.h"
#include "bench/support/floor_channel.h"

struct floor_process;

/* The part of a process that differs; each function gets the state that open has made. */
struct floor_role {
    void *(*open)(struct floor_process *process);
    void (*on_hello)(void *state, struct floor_channel *channel);
    void (*on_frame)(void *state, struct floor_channel *channel, const struct floor_frame *frame,
                     const uint8_t *bytes);
    void (*count)(const void *state, struct floor_counts *counts);
    void (*close)(void *state); /* when the loop has ended */
    /* The rest may be null. */
    void (*on_turn)(void *state); /* once per turn of the loop, before what was sent is flushed */
    void (*on_start)(void *state);
    void (*on_begin)(void *state); /* of the measured window */
    void (*on_end)(void *state, struct floor_report *report);
};

extern const struct floor_role floor_role_leader;
extern const struct floor_role floor_role_follower;
extern const struct floor_role floor_role_client;

struct floor_process {
    const struct floor_world *world;
    const struct floor_settings *settings;
    const struct floor_role *role;
    void *state;
    unsigned index;
    unsigned links;     /* established, greeting included */
    unsigned links_all; /* to be established before the process is ready */
    bool ready;
    bool measured; /* the window is over: peers may go */
    bool quit;     /* told to, rather than abandoned by the parent */
    bool closing;
    uv_loop_t loop;
    uv_pipe_t control;
    uv_prepare_t turn;
    struct floor_hub hub;
    struct floor_counts window_begin;
    char control_byte;
};

/* Runs the process with this index until the parent ends it; gives its exit status. */
int floor_process_run(const struct floor_world *world, unsigned index, int control_socket);

#endif
