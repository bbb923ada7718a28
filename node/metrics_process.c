/* The families that Prometheus' client libraries show of every process, by their usual names. */
#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "adapter/exposition.h"
#include "node/metrics.h"

static uint64_t cpu_ns(void) {
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    uint64_t seconds = (uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec;
    uint64_t rest_us = (uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec;
    return seconds * UINT64_C(1000000000) + rest_us * 1000;
}

static void read_memory(uint64_t *virtual_bytes, uint64_t *resident_bytes) {
    FILE *file = fopen("/proc/self/statm", "re");
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    *virtual_bytes = *resident_bytes = 0;
    if (file != NULL && fscanf(file, "%" SCNu64 " %" SCNu64, virtual_bytes, resident_bytes) != 2)
        *virtual_bytes = *resident_bytes = 0;
    if (file != NULL)
        (void)fclose(file);
    *virtual_bytes *= page_bytes;
    *resident_bytes *= page_bytes;
}

static uint64_t open_files(void) {
    DIR *folder = opendir("/proc/self/fd");
    uint64_t count = 0;
    for (; folder != NULL && readdir(folder) != NULL;)
        count++;
    if (folder != NULL)
        (void)closedir(folder);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the one that reads */
}

/* Field 22 of /proc/self/stat: clock ticks after the machine started. */
static uint64_t started_seconds(void) {
    static uint64_t known;
    char text[1024];
    FILE *file = known == 0 ? fopen("/proc/self/stat", "re") : NULL;
    size_t got = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file);
    if (file != NULL)
        (void)fclose(file);
    text[got] = '\0';
    const char *at = got == 0 ? NULL : strrchr(text, ')');
    uint64_t ticks = 0;
    struct timespec wall, since_boot;
    if (at != NULL &&
        sscanf(
            at + 2,
            "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
            &ticks) == 1 &&
        clock_gettime(CLOCK_REALTIME, &wall) == 0 &&
        clock_gettime(CLOCK_BOOTTIME, &since_boot) == 0)
        known = (uint64_t)wall.tv_sec - (uint64_t)since_boot.tv_sec +
                ticks / (uint64_t)sysconf(_SC_CLK_TCK);
    return known;
}

void metrics_print_process(FILE *page) {
    uint64_t virtual_bytes, resident_bytes;
    struct rlimit files = {0};
    read_memory(&virtual_bytes, &resident_bytes);
    (void)getrlimit(RLIMIT_NOFILE, &files);
    family_begin(page, "process_cpu_seconds_total", FAMILY_COUNTER,
                 "User and system time of the process.");
    family_seconds(page, "process_cpu_seconds_total", NULL, cpu_ns());
    family_one(page, "process_resident_memory_bytes", FAMILY_GAUGE, "Memory in use.",
               resident_bytes);
    family_one(page, "process_virtual_memory_bytes", FAMILY_GAUGE,
               "Address space, most of which is reserved and never touched.", virtual_bytes);
    family_one(page, "process_open_fds", FAMILY_GAUGE, "Open file descriptors.", open_files());
    family_one(page, "process_max_fds", FAMILY_GAUGE, "How many there may be.",
               (uint64_t)files.rlim_cur);
    family_one(page, "process_start_time_seconds", FAMILY_GAUGE, "When the process began.",
               started_seconds());
}
