/* The journal of the floors: write in the loop (page cache), fdatasync in libuv's pool. */
#include "bench/support/floor_journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/support/floor.h"

static void write_at(int file, const uint8_t *bytes, size_t size_bytes, uint64_t offset_bytes) {
    while (size_bytes > 0) {
        ssize_t written = pwrite(file, bytes, size_bytes, (off_t)offset_bytes);
        if (written < 0 && errno != EINTR) {
            floor_fatal("writing the journal: %s", strerror(errno));
        }
        if (written > 0) {
            bytes += written;
            size_bytes -= (size_t)written;
            offset_bytes += (uint64_t)written;
        }
    }
}

static int nameless_file(const char *directory) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/floors-journal-XXXXXX", directory);
    if (length < 0 || (size_t)length >= sizeof path) {
        floor_fatal("the name of the journal directory is too long");
    }
    int file = mkostemp(path, O_CLOEXEC);
    if (file < 0) {
        floor_fatal("creating a journal in %s: %s", directory, strerror(errno));
    }
    if (unlink(path) != 0) {
        floor_fatal("removing %s: %s", path, strerror(errno));
    }
    return file;
}

void floor_journal_open(struct floor_journal *journal, uv_loop_t *loop, const char *directory,
                        void (*on_durable)(void *owner, uint64_t durable), void *owner) {
    enum { CHUNK_BYTES = 1 << 20 };
    *journal = (struct floor_journal){.loop = loop, .on_durable = on_durable, .owner = owner};
    journal->file = nameless_file(directory);
    uint8_t *zeros = floor_allocate(CHUNK_BYTES);
    for (uint64_t offset = 0; offset < FLOOR_JOURNAL_BYTES; offset += CHUNK_BYTES) {
        write_at(journal->file, zeros, CHUNK_BYTES, offset);
    }
    free(zeros);
    if (fsync(journal->file) != 0) {
        floor_fatal("fsync of the journal: %s", strerror(errno));
    }
}

static void start_sync(struct floor_journal *journal);

static void on_synced(uv_fs_t *request) {
    struct floor_journal *journal = request->data;
    floor_must((int)request->result, "fdatasync of the journal");
    uv_fs_req_cleanup(request);
    journal->sync_runs = false;
    journal->durable = journal->syncing;
    journal->fsyncs++;
    if (journal->appended > journal->durable) {
        start_sync(journal);
    }
    journal->on_durable(journal->owner, journal->durable);
}

static void start_sync(struct floor_journal *journal) {
    assert(!journal->sync_runs && journal->appended > journal->durable);
    journal->sync_runs = true;
    journal->syncing = journal->appended;
    journal->request.data = journal;
    floor_must(uv_fs_fdatasync(journal->loop, &journal->request, journal->file, on_synced),
               "starting fdatasync");
}

void floor_journal_append(struct floor_journal *journal, const uint8_t *bytes, size_t size_bytes) {
    assert(size_bytes > 0 && size_bytes <= FLOOR_JOURNAL_BYTES);
    if (journal->offset_bytes + size_bytes > FLOOR_JOURNAL_BYTES) {
        journal->offset_bytes = 0;
    }
    write_at(journal->file, bytes, size_bytes, journal->offset_bytes);
    journal->offset_bytes += size_bytes;
    journal->appended++;
    if (!journal->sync_runs) {
        start_sync(journal);
    }
}

void floor_journal_close(struct floor_journal *journal) {
    assert(!journal->sync_runs);
    close(journal->file);
    journal->file = -1;
}
