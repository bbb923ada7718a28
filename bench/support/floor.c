/* Small shared parts of the floors program: names, sizes and the ways to give up. */
#include "bench/support/floor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "bench/support/floor_channel.h"

const char *floor_process_name(unsigned index) {
    static const char *const names[FLOOR_PROCESSES] = {"leader", "follower 1", "follower 2",
                                                       "follower 3", "client"};
    return index < FLOOR_PROCESSES ? names[index] : "unknown process";
}

size_t floor_batch_frame_bytes(const struct floor_settings *settings) {
    size_t body_bytes = (size_t)settings->batch_operations * settings->payload_bytes;
    size_t signature_bytes = settings->kind == FLOOR_C ? FLOOR_SIGNATURE_BYTES : 0;
    return sizeof(struct floor_frame) + body_bytes + signature_bytes;
}

uint32_t floor_key_count(const struct floor_settings *settings) {
    uint32_t fitting = (uint32_t)FLOOR_MAP_BYTES_MAX / settings->payload_bytes;
    return fitting < (uint32_t)FLOOR_KEYS ? fitting : (uint32_t)FLOOR_KEYS;
}

void floor_fatal(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("floors: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    fflush(stderr);
    _exit(1);
}

int floor_must(int uv_result, const char *what) {
    if (uv_result < 0) {
        floor_fatal("%s: %s", what, uv_strerror(uv_result));
    }
    return uv_result;
}

void *floor_allocate(size_t size_bytes) {
    void *memory = calloc(1, size_bytes);
    if (memory == NULL) {
        floor_fatal("out of memory for %zu bytes", size_bytes);
    }
    return memory;
}
