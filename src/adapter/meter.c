/* See meter.h. */
#include "adapter/meter.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "adapter/files.h"

const meter_stage_name_t meter_stage_names[STAGE_COUNT] = {
    [STAGE_LOOP] = {"loop", "event loop, reading sockets"},
    [STAGE_TLS] = {"tls", "TLS"},
    [STAGE_WRITE_SOCKET] = {"write_socket", "writing sockets"},
    [STAGE_GATE] = {"gate", "gate, mempool, sessions' answers"},
    [STAGE_REQUEST_SIGNATURE] = {"request_signature", "signatures of requests"},
    [STAGE_MESSAGE_SIGNATURE] = {"message_signature", "signatures of members"},
    [STAGE_HASH] = {"hash", "hashing payloads"},
    [STAGE_CORE] = {"core", "consensus core"},
    [STAGE_JOURNAL] = {"journal", "journal records"},
    [STAGE_DISK] = {"disk", "journal write and sync"},
    [STAGE_EXECUTE] = {"execute", "execution"},
    [STAGE_ROOT] = {"root", "state root"},
    [STAGE_REPLY] = {"reply", "replies"},
};

/* What this thread is at. */
static _Thread_local struct {
    meter_t *meter; /* NULL: it does not count */
    stage_t stage;
    uint64_t since_ns;
} here;

static uint64_t thread_cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static meter_t *map_file(const char *path, int flags) {
    int file = open(path, flags | O_RDWR | O_CLOEXEC, 0644);
    if (file < 0) {
        return NULL;
    }
    void *page = MAP_FAILED;
    if (ftruncate(file, sizeof(meter_t)) == 0) {
        page = mmap(NULL, sizeof(meter_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    (void)close(file);
    return page == MAP_FAILED ? NULL : page;
}

synod_status meter_open(const char *path, meter_t **meter, reason_t *reason) {
    *meter = map_file(path, O_CREAT | O_TRUNC);
    return *meter != NULL ? SYNOD_OK : reason_errno(reason, errno, "map", path);
}

meter_t *meter_look(const char *path) {
    return map_file(path, 0);
}

void meter_close(meter_t *meter) {
    if (here.meter == meter) {
        here.meter = NULL;
        here.stage = STAGE_LOOP;
    }
    if (meter != NULL) {
        (void)munmap(meter, sizeof *meter);
    }
}

void meter_begin(meter_t *meter, stage_t stage) {
    if (meter != NULL && here.meter != meter) {
        here.meter = meter;
        here.stage = stage;
        here.since_ns = thread_cpu_ns();
    }
    (void)meter_stage(stage);
}

stage_t meter_stage(stage_t stage) {
    stage_t before = here.stage;
    if (here.meter != NULL) {
        uint64_t now = thread_cpu_ns();
        meter_add(&here.meter->stage_ns[before], now - here.since_ns);
        here.since_ns = now;
        here.stage = stage;
    }
    return before;
}
