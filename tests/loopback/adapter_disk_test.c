/* The disk's thread and the workers: order, zeros, growing, the lock, and what happens when the
 * disk fails or is full (attacks F2, F6, F8, F13, N12). */
#include "../unit/adapter_world.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "adapter/uv_crew.h"
#include "adapter/uv_disk.h"
#include "replica/host.h"

#define SEGMENT_BYTES ((uint64_t)2 << 20)
#define ANSWERS_MAX 512

typedef struct answer {
    char kind; /* a, r, s, l */
    uint64_t token;
    synod_status status;
} answer_t;

static uv_loop_t loop;
static disk_t *disk;
static answer_t answers[ANSWERS_MAX];
static uint32_t answer_count;
static char data_folder[300];

static void note(char kind, uint64_t token, synod_status status) {
    assert_true(answer_count < ANSWERS_MAX);
    answers[answer_count++] = (answer_t){kind, token, status};
}
static void on_appended(void *context, uint64_t token, synod_status status) {
    assert_ptr_equal(context, &disk);
    note('a', token, status);
}
static void on_read(void *context, uint64_t token, synod_status status) {
    (void)context;
    note('r', token, status);
}
static void on_stored(void *context, uint64_t token, synod_status status) {
    (void)context;
    note('s', token, status);
}
static void on_loaded(void *context, uint64_t token, synod_status status) {
    (void)context;
    note('l', token, status);
}
static const disk_events_t events = {&disk, on_appended, on_read, on_stored, on_loaded};

/* ---- a disk that can be told to fail ---- */

static _Atomic int fail_write_errno, fail_sync_errno, writes, syncs, slow_sync_us;
static _Atomic int direct_writes;               /* past the machine's cache */
static _Atomic bool direct_refused, direct_odd; /* it takes a part of a sector */
static _Atomic int interrupted;                 /* every other call is, and how many were */
static _Atomic bool interrupts;

static bool is_interrupted(void) {
    static _Atomic int calls;
    if (!interrupts || calls++ % 2 != 0) {
        return false;
    }
    interrupted++;
    errno = EINTR;
    return true;
}

static ssize_t faulty_write(int file, const void *bytes, size_t size, off_t offset) {
    writes++;
    bool direct = (fcntl(file, F_GETFL) & O_DIRECT) != 0;
    size_t most = direct ? 24 * 4096 : 100000; /* short writes are allowed and happen */
    if (is_interrupted()) {
        return -1;
    }
    if (direct) {
        direct_writes++;
        if (direct_refused) {
            errno = EINVAL;
            return -1;
        }
    }
    if (fail_write_errno != 0) {
        errno = fail_write_errno;
        return -1;
    }
    ssize_t done = pwrite(file, bytes, size > most ? most : size, offset);
    return done - (direct && direct_odd && done > 100 ? 100 : 0);
}
static ssize_t faulty_read(int file, void *bytes, size_t size, off_t offset) {
    return is_interrupted() ? -1 : pread(file, bytes, size > 70000 ? 70000 : size, offset);
}
static int faulty_sync(int file) {
    syncs++;
    if (slow_sync_us > 0) {
        (void)usleep((useconds_t)slow_sync_us);
    }
    if (fail_sync_errno != 0) {
        errno = fail_sync_errno;
        return -1;
    }
    return fdatasync(file);
}
static const disk_calls_t faulty = {faulty_write, faulty_read, faulty_sync, true};

static disk_options_t options_of(const disk_calls_t *calls) {
    return (disk_options_t){.loop = &loop,
                            .folder = data_folder,
                            .segment_bytes = SEGMENT_BYTES,
                            .segments_max = 4,
                            .calls = calls};
}

static void open_disk(const disk_calls_t *calls) {
    disk_options_t options = options_of(calls);
    synod_status status = disk_open(&options, &events, &disk, &world_reason);
    if (status != SYNOD_OK) {
        fail_msg("disk_open: %s", world_reason.text);
    }
}

static void close_disk(void) {
    disk_stop(disk);
    while (!disk_stopped(disk)) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
    disk_free(disk);
    disk = NULL;
}

static void run_all(void) {
    while (disk_pending(disk) > 0) {
        (void)uv_run(&loop, UV_RUN_ONCE);
    }
}

static int setup(void **state) {
    if (world_open(state) != 0 || uv_loop_init(&loop) != 0) {
        return -1;
    }
    (void)snprintf(data_folder, sizeof data_folder, "%s/data", world_folder);
    fail_write_errno = fail_sync_errno = writes = syncs = slow_sync_us = 0;
    direct_writes = 0;
    direct_refused = direct_odd = interrupts = false;
    interrupted = 0;
    answer_count = 0;
    (void)mkdir(data_folder, 0700);
    world_put(world_path("data/journal"), "", 0, 0600);
    return 0;
}

static int teardown(void **state) {
    if (disk != NULL) {
        close_disk();
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 ? world_close(state) : -1;
}

static uint64_t file_size(const char *path) {
    struct stat about;
    assert_int_equal(stat(path, &about), 0);
    return (uint64_t)about.st_size;
}

/* ---- a good disk ---- */

static void test_order(void **state) {
    (void)state;
    static uint8_t bytes[200][4096], back[4096];
    open_disk(NULL);
    for (uint64_t token = 0; token < 200; token++) {
        memset(bytes[token], (int)token, sizeof bytes[token]);
        if (token % 3 == 2) {
            disk_read(disk, token, 0, back, sizeof back);
        } else {
            disk_append(disk, token, token * 4096, bytes_of(bytes[token], 4096));
        }
    }
    run_all();
    assert_int_equal(answer_count, 200);
    for (uint64_t token = 0; token < 200; token++) {
        assert_int_equal(answers[token].token, token);
        assert_int_equal(answers[token].kind, token % 3 == 2 ? 'r' : 'a');
        assert_int_equal(answers[token].status, SYNOD_OK);
    }
    disk_read(disk, 7, 199 * 4096, back, sizeof back);
    run_all();
    assert_memory_equal(back, bytes[199], sizeof back);
    disk_counters_t counters;
    disk_counters(disk, &counters);
    assert_int_equal(counters.appends, 134);
    assert_int_equal(counters.reads, 67);
    assert_true(counters.syncs >= 134);
}

static void test_zeros(void **state) {
    (void)state;
    static uint8_t back[10000];
    memset(back, 1, sizeof back);
    open_disk(NULL);
    disk_read(disk, 1, SEGMENT_BYTES * 100, back, sizeof back);
    run_all();
    assert_int_equal(answers[0].status, SYNOD_OK);
    for (size_t at = 0; at < sizeof back; at++) {
        assert_int_equal(back[at], 0);
    }
}

static void append_and_look(uint64_t token, const uint8_t *bytes, size_t size, uint64_t offset) {
    static uint8_t back[300000];
    disk_append(disk, token, offset, bytes_of(bytes, size));
    disk_read(disk, token, offset, back, size);
    run_all();
    assert_int_equal(answers[answer_count - 2].status, SYNOD_OK);
    assert_memory_equal(back, bytes, size);
}

static bool goes_direct(void) {
    int file = open(world_path("data/journal"), O_WRONLY | O_DIRECT | O_CLOEXEC);
    if (file >= 0) {
        (void)close(file);
    }
    return file >= 0;
}

/* Whole sectors of aligned memory go past the cache, what is odd by it, and so does everything when
 * the device refuses: what is read back is the same. */
static void test_past_the_cache(void **state) {
    (void)state;
    static _Alignas(4096) uint8_t bytes[65 * 4096 + 8];
    for (size_t at = 0; at < sizeof bytes; at++) {
        bytes[at] = (uint8_t)(at * 7 + at / 4096);
    }
    const bool direct = goes_direct(); /* a memory file system may not */
    open_disk(&faulty);
    append_and_look(1, bytes, 8 * 4096, 4096);
    int before = direct_writes;
    assert_int_equal(before > 0, direct);
    append_and_look(2, bytes + 8, 4096, 2 * 4096); /* odd memory, */
    append_and_look(3, bytes, 100, 3 * 4096);      /* size */
    append_and_look(4, bytes, 4096, 3 * 4096 + 8); /* and place */
    append_and_look(5, bytes, 4096, 2 * 4096);     /* over what the cache has */
    append_and_look(6, bytes + 4096, 4096, 2 * 4096);
    append_and_look(7, bytes, 65 * 4096, 4096); /* in several calls */
    direct_refused = true;
    append_and_look(8, bytes, 8 * 4096, 4096);
    before = direct_writes;
    append_and_look(9, bytes + 4096, 8 * 4096, 4096);
    assert_int_equal(direct_writes, before);
}

/* What a call took in part goes on from there, past the cache or, after an odd part, by it; what
 * was interrupted is said again. */
static void test_parts(void **state) {
    (void)state;
    static _Alignas(4096) uint8_t bytes[70 * 4096];
    for (size_t at = 0; at < sizeof bytes; at++) {
        bytes[at] = (uint8_t)(at * 11 + at / 4096);
    }
    open_disk(&faulty);
    interrupts = true;
    append_and_look(1, bytes, 65 * 4096, 4096);
    append_and_look(2, bytes + 4096, 65 * 4096 + 8, 8);
    assert_true(interrupted > 4);
    direct_odd = true;
    append_and_look(3, bytes + 2 * 4096, 65 * 4096, 4096);
    interrupts = false;
    append_and_look(4, bytes + 3 * 4096, 65 * 4096, 4096);
    direct_odd = false;
    int before = direct_writes;
    append_and_look(5, bytes + 4 * 4096, 65 * 4096, 4096);
    assert_int_equal(direct_writes > before,
                     goes_direct()); /* it never was asked for an odd part */
}

static void wait_for_size(uint64_t size) {
    for (uint32_t pause = 0; pause < 5000 && file_size(world_path("data/journal")) < size;
         pause++) {
        (void)usleep(1000);
    }
    (void)usleep(20000);
    assert_int_equal(file_size(world_path("data/journal")), size);
}

/* The first segment is there without being asked for, the next when the middle was passed, and none
 * beyond the bound; what is prepared is zeros, and an append leaves the size as it is. */
static void test_growing(void **state) {
    (void)state;
    uint8_t bytes[4096] = {9};
    open_disk(NULL);
    wait_for_size(SEGMENT_BYTES);
    disk_append(disk, 1, 0, bytes_of(bytes, sizeof bytes));
    disk_append(disk, 2, SEGMENT_BYTES / 2 - 4096, bytes_of(bytes, sizeof bytes));
    run_all();
    wait_for_size(SEGMENT_BYTES);
    disk_append(disk, 3, SEGMENT_BYTES / 2, bytes_of(bytes, sizeof bytes));
    run_all();
    wait_for_size(2 * SEGMENT_BYTES);
    disk_append(disk, 4, 4 * SEGMENT_BYTES - 4096, bytes_of(bytes, sizeof bytes));
    run_all();
    wait_for_size(4 * SEGMENT_BYTES);
    for (uint32_t at = 0; at < answer_count; at++) {
        assert_int_equal(answers[at].status, SYNOD_OK);
    }
    close_disk();
    open_disk(NULL); /* goes on where it stopped */
    disk_append(disk, 5, 4096, bytes_of(bytes, sizeof bytes));
    run_all();
    wait_for_size(4 * SEGMENT_BYTES);
}

static void test_snapshots(void **state) {
    (void)state;
    static uint8_t bytes[300000], back[300100];
    memset(bytes, 0x7b, sizeof bytes);
    open_disk(&faulty);
    disk_load(disk, 1, 0, 0, back, 100);
    disk_store(disk, 2, 0, 0, bytes_of(bytes, 100000), STORE_BEGIN);
    disk_load(disk, 3, 0, 0, back, 100); /* not there before it is whole */
    disk_store(disk, 4, 0, 100000, bytes_of(bytes + 100000, 200000), STORE_END);
    disk_load(disk, 5, 0, 0, back, sizeof back);
    disk_load(disk, 6, 1, 0, back, 100);
    run_all();
    assert_int_equal(answers[0].status, SYNOD_NOT_FOUND);
    assert_int_equal(answers[1].status, SYNOD_OK);
    assert_int_equal(answers[2].status, SYNOD_NOT_FOUND);
    assert_int_equal(answers[3].status, SYNOD_OK);
    assert_int_equal(answers[4].status, SYNOD_OK);
    assert_int_equal(answers[5].status, SYNOD_NOT_FOUND);
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_int_equal(back[sizeof bytes], 0);
    /* One that is cut short changes nothing (attack F8). */
    disk_store(disk, 7, 0, 0, bytes_of("new", 3), STORE_BEGIN);
    run_all();
    close_disk();
    open_disk(&faulty);
    disk_load(disk, 8, 0, 0, back, 3);
    disk_store(disk, 9, 0, 3, bytes_of("tail", 4), STORE_END); /* without its beginning */
    run_all();
    assert_memory_equal(back, bytes, 3);
    assert_int_equal(answers[answer_count - 1].status, SYNOD_IO);
    disk_store(disk, 10, 0, 0, bytes_of("", 0), STORE_BEGIN | STORE_END);
    run_all();
    assert_int_equal(file_size(world_path("data/snapshot-0")), 0);
}

/* Unsafe, and named so: nothing is synced. */
static void test_without_durability(void **state) {
    (void)state;
    disk_options_t options = options_of(&faulty);
    options.durability = DURABILITY_NONE;
    assert_int_equal(disk_open(&options, &events, &disk, &world_reason), SYNOD_OK);
    disk_append(disk, 1, 0, bytes_of("x", 1));
    run_all();
    assert_int_equal(answers[0].status, SYNOD_OK);
    assert_int_equal(syncs, 0);
}

/* ---- a bad disk ---- */

/* attack F2: a sync fails once, later ones would succeed: the data may be gone all the same. */
static void test_failed_sync(void **state) {
    (void)state;
    uint8_t back[4];
    open_disk(&faulty);
    disk_append(disk, 1, 0, bytes_of("good", 4));
    run_all();
    wait_for_size(SEGMENT_BYTES);
    fail_sync_errno = EIO;
    disk_append(disk, 2, 0, bytes_of("lost", 4));
    run_all();
    fail_sync_errno = 0;
    int before = writes;
    disk_append(disk, 3, 4096, bytes_of("more", 4));
    disk_append(disk, 4, 0, bytes_of("more", 4));
    disk_read(disk, 5, 0, back, 4);
    run_all();
    assert_int_equal(answers[0].status, SYNOD_OK);
    assert_int_equal(answers[1].status, SYNOD_IO);
    assert_int_equal(answers[2].status, SYNOD_IO);
    assert_int_equal(answers[3].status, SYNOD_IO);
    assert_int_equal(answers[4].status, SYNOD_OK); /* looking is still possible */
    assert_int_equal(writes, before);
}

static void test_failed_write(void **state) {
    (void)state;
    open_disk(&faulty);
    wait_for_size(SEGMENT_BYTES);
    fail_write_errno = EIO;
    disk_append(disk, 1, 0, bytes_of("x", 1));
    run_all();
    fail_write_errno = 0;
    disk_append(disk, 2, 0, bytes_of("x", 1));
    run_all();
    assert_int_equal(answers[0].status, SYNOD_IO);
    assert_int_equal(answers[1].status, SYNOD_IO);
}

/* The same of whole sectors, which go past the cache: what the cache would take is not asked. */
static void test_failed_direct_write(void **state) {
    (void)state;
    static _Alignas(4096) uint8_t bytes[4096];
    open_disk(&faulty);
    wait_for_size(SEGMENT_BYTES);
    fail_write_errno = EIO;
    int before = writes;
    disk_append(disk, 1, 0, bytes_of(bytes, sizeof bytes));
    run_all();
    assert_int_equal(writes, before + 1);
    assert_int_equal(answers[0].status, SYNOD_IO);
}

/* attack F6: no room is no failure: the append waits, and is carried out when there is some. */
static void test_full_disk(void **state) {
    (void)state;
    char back[4];
    open_disk(&faulty);
    wait_for_size(SEGMENT_BYTES);
    fail_write_errno = ENOSPC;
    disk_append(disk, 1, 0, bytes_of("wait", 4));
    for (uint32_t pause = 0; pause < 300; pause++) {
        (void)uv_run(&loop, UV_RUN_NOWAIT);
        (void)usleep(1000);
    }
    assert_int_equal(answer_count, 0);
    fail_write_errno = 0;
    run_all();
    assert_int_equal(answers[0].status, SYNOD_OK);
    disk_read(disk, 2, 0, back, 4);
    run_all();
    assert_memory_equal(back, "wait", 4);
    disk_counters_t counters;
    disk_counters(disk, &counters);
    assert_int_equal(counters.waits_for_space, 1);
}

/* One that waits for room does not keep the node from stopping. */
static void test_stop_while_full(void **state) {
    (void)state;
    open_disk(&faulty);
    wait_for_size(SEGMENT_BYTES);
    fail_write_errno = ENOSPC;
    disk_append(disk, 1, 0, bytes_of("wait", 4));
    disk_append(disk, 2, 0, bytes_of("wait", 4));
    close_disk();
    assert_int_equal(answer_count, 2);
    assert_int_equal(answers[0].status, SYNOD_NO_SPACE);
    assert_int_equal(answers[1].status, SYNOD_NO_SPACE);
}

/* A disk that is merely slow delays no worker (attack N12). */
static _Atomic int worked;
static void work(void *context, void *item) {
    (void)context;
    *(uint64_t *)item *= 2;
    worked++;
}
static uint64_t sum;
static void done(void *context, void *item) {
    (void)context;
    sum += *(uint64_t *)item;
}

static void test_slow_disk(void **state) {
    (void)state;
    const crew_options_t options = {.loop = &loop,
                                    .threads = 2,
                                    .item_bytes = sizeof(uint64_t),
                                    .capacity = 100,
                                    .work = work,
                                    .done = done};
    open_disk(&faulty);
    wait_for_size(SEGMENT_BYTES);
    crew_t *crew = crew_open(&options, &world_reason);
    assert_non_null(crew);
    slow_sync_us = 300000;
    disk_append(disk, 1, 0, bytes_of("slow", 4));
    sum = 0;
    worked = 0;
    for (uint64_t round = 0; round < 10; round++) {
        for (uint64_t item = 0; item < 100; item++) {
            crew_put(crew, &item);
        }
        while (crew_pending(crew) > 0) {
            (void)uv_run(&loop, UV_RUN_ONCE);
        }
    }
    assert_int_equal(answer_count, 0); /* still at the disk */
    assert_int_equal(worked, 1000);
    assert_int_equal(sum, 10 * 2 * 4950);
    for (uint64_t item = 0; item < 10; item++) {
        crew_put(crew, &item);
    }
    crew_stop(crew, CREW_FINISH); /* what was put is done and given back */
    assert_int_equal(worked, 1010);
    assert_int_equal(crew_pending(crew), 0);
    run_all();
    assert_true(crew_stopped(crew));
    crew_free(crew);
    assert_int_equal(answers[0].status, SYNOD_OK);
}

/* ---- who may open it ---- */

/* attack F13: a second opener is refused, in this process and in another. */
static void test_lock(void **state) {
    (void)state;
    disk_t *second = NULL;
    disk_options_t options = options_of(NULL);
    open_disk(NULL);
    assert_int_equal(disk_open(&options, &events, &second, &world_reason), SYNOD_IN_USE);
    assert_reason("another process");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        uv_loop_t own;
        (void)uv_loop_init(&own);
        options.loop = &own;
        _exit(disk_open(&options, &events, &second, &world_reason) == SYNOD_IN_USE ? 0 : 1);
    }
    int result = -1;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    close_disk();
    open_disk(NULL); /* the lock went with the file */
}

/* attack F13: a process that was killed leaves no lock. */
static void test_dead_owner(void **state) {
    (void)state;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        uv_loop_t own;
        disk_options_t options = options_of(NULL);
        (void)uv_loop_init(&own);
        options.loop = &own;
        bool opened = disk_open(&options, &events, &disk, &world_reason) == SYNOD_OK;
        ssize_t written = write(ready[1], opened ? "y" : "n", 1);
        for (;;) {
            (void)pause();
        }
        _exit(written == 1 ? 0 : 1);
    }
    char answer = '?';
    assert_int_equal(read(ready[0], &answer, 1), 1);
    assert_int_equal(answer, 'y');
    disk_t *second = NULL;
    disk_options_t options = options_of(NULL);
    assert_int_equal(disk_open(&options, &events, &second, &world_reason), SYNOD_IN_USE);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    open_disk(NULL);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

/* attack F10: no journal, no right to write, no file at all. */
static void test_refused(void **state) {
    (void)state;
    disk_options_t options = options_of(NULL);
    assert_int_equal(unlink(world_path("data/journal")), 0);
    assert_int_equal(disk_open(&options, &events, &disk, &world_reason), SYNOD_NOT_FOUND);
    assert_reason("must not sign");
    assert_int_equal(mkdir(world_path("data/journal"), 0700), 0);
    assert_int_not_equal(disk_open(&options, &events, &disk, &world_reason), SYNOD_OK);
    assert_int_equal(rmdir(world_path("data/journal")), 0);
    world_put(world_path("data/journal"), "", 0, 0400);
    if (geteuid() != 0) {
        assert_int_equal(disk_open(&options, &events, &disk, &world_reason), SYNOD_PERMISSION);
    }
    assert_null(disk);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_order),       TEST(test_past_the_cache),
        TEST(test_zeros),       TEST(test_growing),
        TEST(test_snapshots),   TEST(test_without_durability),
        TEST(test_failed_sync), TEST(test_failed_write),
        TEST(test_parts),       TEST(test_failed_direct_write),
        TEST(test_full_disk),   TEST(test_stop_while_full),
        TEST(test_slow_disk),   TEST(test_lock),
        TEST(test_dead_owner),  TEST(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
