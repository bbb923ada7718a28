/* See sweep_jobs.h. Worker j takes the seeds first + j, first + j + jobs, and so on; its totals
 * live in memory shared with the parent, written between runs only. */
#include "sim/sweep_jobs.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

#define POLL_NS 50000000L

typedef struct worker {
    volatile uint64_t next; /* index of the run under way, or to do next */
    volatile uint64_t done, violated;
    pid_t process; /* 0: ended */
    sweep_totals_t totals;
} worker_t;

typedef struct shared {
    volatile bool stop;
    worker_t workers[];
} shared_t;

static void work(shared_t *shared, uint32_t index, const sweep_jobs_t *jobs) {
    worker_t *worker = &shared->workers[index];
    while (worker->next < jobs->count && !shared->stop) {
        world_report_t report;
        uint64_t seed = jobs->first + worker->next;
        sweep_run(seed, &jobs->options, &report);
        sweep_add(&worker->totals, seed, &report);
        worker->violated = worker->totals.violated;
        worker->done++;
        worker->next += jobs->jobs;
        if (report.violated != VIOLATION_NONE && jobs->stop_at_first)
            shared->stop = true;
    }
}

static bool start_worker(shared_t *shared, uint32_t index, const sweep_jobs_t *jobs) {
    (void)fflush(NULL);
    pid_t process = fork();
    if (process < 0)
        return false;
    if (process == 0) {
        work(shared, index, jobs);
        _exit(0);
    }
    shared->workers[index].process = process;
    return true;
}

/* The process of a worker ended: well, or in the middle of a run, which is then a violation. */
static void on_end(shared_t *shared, uint32_t index, const sweep_jobs_t *jobs, int status) {
    worker_t *worker = &shared->workers[index];
    worker->process = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    world_report_t report = {.violated = VIOLATION_STOP};
    uint64_t seed = jobs->first + worker->next;
    snprintf(report.text, sizeof report.text,
             "the process stopped, by %s %d; its own words are above",
             WIFSIGNALED(status) ? "signal" : "exit code",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    sweep_add(&worker->totals, seed, &report);
    worker->violated = worker->totals.violated;
    worker->done++;
    worker->next += jobs->jobs;
    if (jobs->stop_at_first)
        shared->stop = true;
    else if (worker->next < jobs->count && !start_worker(shared, index, jobs))
        shared->stop = true;
}

/* True while a worker runs. */
static bool poll_workers(shared_t *shared, const sweep_jobs_t *jobs) {
    bool running = false;
    for (uint32_t i = 0; i < jobs->jobs; i++) {
        int status = 0;
        pid_t process = shared->workers[i].process;
        if (process != 0 && waitpid(process, &status, WNOHANG) == process)
            on_end(shared, i, jobs, status);
        running = running || shared->workers[i].process != 0;
    }
    return running;
}

static void tell(const shared_t *shared, const sweep_jobs_t *jobs) {
    uint64_t done = 0, violated = 0;
    for (uint32_t i = 0; i < jobs->jobs; i++) {
        done += shared->workers[i].done;
        violated += shared->workers[i].violated;
    }
    if (jobs->progress != NULL)
        jobs->progress(jobs->context, done, jobs->count, violated);
}

bool sweep_jobs_run(const sweep_jobs_t *jobs, sweep_totals_t *totals) {
    require(jobs->jobs >= 1 && jobs->jobs <= SWEEP_JOBS_MAX);
    size_t size = sizeof(shared_t) + jobs->jobs * sizeof(worker_t);
    shared_t *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return false;
    bool started = true;
    for (uint32_t i = 0; i < jobs->jobs && started; i++) {
        shared->workers[i].next = i;
        started = start_worker(shared, i, jobs);
    }
    shared->stop = !started;
    while (poll_workers(shared, jobs)) {
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
        tell(shared, jobs);
    }
    *totals = (sweep_totals_t){0};
    for (uint32_t i = 0; i < jobs->jobs; i++)
        sweep_merge(totals, &shared->workers[i].totals);
    munmap(shared, size);
    return started;
}
