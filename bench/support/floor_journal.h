/*
 * A journal for measuring: one zero-filled file overwritten in place, group fdatasync in the pool.
 *
 * The file has no name once open, so nothing is left whichever way the process ends. While one
 * fdatasync runs, further records are written and share the next one.
 * Invariant: durable <= syncing <= appended.
 */
#ifndef SYNOD_BENCH_FLOOR_JOURNAL_H
#define SYNOD_BENCH_FLOOR_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum { FLOOR_JOURNAL_BYTES = 64 << 20 };

struct floor_journal {
    uv_loop_t *loop;
    int file;
    uint64_t offset_bytes;
    uint64_t appended; /* numbers of records, counted from 1 */
    uint64_t syncing;
    uint64_t durable;
    bool sync_runs;
    uint64_t fsyncs;
    uv_fs_t request;
    void (*on_durable)(void *owner, uint64_t durable);
    void *owner;
};

/* Creates and zero-fills the file. */
void floor_journal_open(struct floor_journal *journal, uv_loop_t *loop, const char *directory,
                        void (*on_durable)(void *owner, uint64_t durable), void *owner);

/* Writes a record of at most FLOOR_JOURNAL_BYTES; on_durable tells its number later. */
void floor_journal_append(struct floor_journal *journal, const uint8_t *bytes, size_t size_bytes);

/* Only when the loop has run out: no fdatasync may be under way. */
void floor_journal_close(struct floor_journal *journal);

#endif
