/* A disk that loses power, and a model of what a journal on it must remember.
 *
 * The disk keeps the write under way apart from what is durable. At a power cut each of its
 * 512-byte sectors becomes the new one, stays the old one, is torn between both, or turns to
 * garbage. The model is the list of all records that were appended and not cut, with a hash of each
 * body: recovery must give exactly the acknowledged ones, then possibly the next few in order. */
#ifndef TESTS_FAULT_JOURNAL_WORLD_H
#define TESTS_FAULT_JOURNAL_WORLD_H

/* cmocka wants these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/prng.h"
#include "replica/journal_format.h"
#include "replica/journal_state.h"

#define WORLD_SEGMENT_BYTES (64u << 10)
#define WORLD_CUT_BYTES 512u

typedef struct world_record {
    uint64_t sequence, address, hash;
    journal_kind_t kind;
    size_t size;
} world_record_t;

typedef struct world {
    uint8_t *disk;
    size_t disk_bytes;
    uint32_t segments;
    size_t segment_bytes, buffer_bytes;
    uint64_t extent_bytes; /* what the journal is told, 0: nothing */

    /* One write and one read at most are under way: the journal's promise. */
    bool appending, reading, fail_append, fail_read;
    uint64_t append_token, append_offset, read_token, read_offset;
    const uint8_t *append_data;
    size_t append_size, read_size;
    void *read_to;
    uint64_t appends, reads, read_bytes;
    bool at_once; /* complete within the call */

    host_t host;
    void *memory;
    journal_t *journal;

    world_record_t *records; /* the model, in order of sequence */
    size_t count, capacity;
    uint64_t released;
} world_t;

static inline uint64_t world_hash(bytes_t bytes) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < bytes.size; i++) {
        hash = (hash ^ bytes.data[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* ---- the disk ---- */

static inline bool world_complete_append(world_t *world) {
    if (!world->appending) {
        return false;
    }
    world->appending = false;
    synod_status status = world->fail_append ? SYNOD_IO : SYNOD_OK;
    if (status == SYNOD_OK) {
        memcpy(world->disk + world->append_offset, world->append_data, world->append_size);
    }
    bool moved = journal_on_appended(world->journal, world->append_token, status);
    assert_int_equal(moved, status == SYNOD_OK);
    return true;
}

static inline bool world_complete_read(world_t *world) {
    if (!world->reading) {
        return false;
    }
    world->reading = false;
    size_t there = 0; /* beyond the end of the device: zeros */
    if (world->read_offset < world->disk_bytes) {
        there = world->disk_bytes - (size_t)world->read_offset;
        there = there < world->read_size ? there : world->read_size;
        memcpy(world->read_to, world->disk + world->read_offset, there);
    }
    memset((uint8_t *)world->read_to + there, 0, world->read_size - there);
    journal_on_read(world->journal, world->read_token, world->fail_read ? SYNOD_IO : SYNOD_OK);
    return true;
}

static inline void world_host_append(void *context, uint64_t token, uint64_t offset,
                                     bytes_t bytes) {
    world_t *world = context;
    assert_false(world->appending);
    assert_int_equal(offset % JOURNAL_SECTOR_BYTES, 0);
    assert_int_equal(bytes.size % JOURNAL_SECTOR_BYTES, 0);
    assert_true(bytes.size > 0 && offset + bytes.size <= world->disk_bytes);
    assert_int_equal(offset / world->segment_bytes,
                     (offset + bytes.size - 1) / world->segment_bytes);
    world->appending = true;
    world->append_token = token;
    world->append_offset = offset;
    world->append_data = bytes.data;
    world->append_size = bytes.size;
    world->appends++;
    if (world->at_once) {
        (void)world_complete_append(world);
    }
}

static inline void world_host_read(void *context, uint64_t token, uint64_t offset, void *to,
                                   size_t size) {
    world_t *world = context;
    assert_false(world->reading);
    world->reading = true;
    world->read_token = token;
    world->read_offset = offset;
    world->read_to = to;
    world->read_size = size;
    world->reads++;
    world->read_bytes += size;
    if (world->at_once) {
        (void)world_complete_read(world);
    }
}

/* What a power cut makes of one sector. */
static inline void world_cut_sector(uint8_t *old, const uint8_t *new, prng_t *prng) {
    switch (prng_below(prng, 6)) {
    case 0:
    case 1:
        break;
    case 2:
    case 3:
        memcpy(old, new, WORLD_CUT_BYTES);
        break;
    case 4:
        memcpy(old, new, (size_t)prng_below(prng, WORLD_CUT_BYTES));
        break;
    default:
        for (size_t i = 0; i < WORLD_CUT_BYTES; i++) {
            old[i] = (uint8_t)prng_next(prng);
        }
    }
}

/* Power goes: what was under way is there in part: any sectors of it, or those up to some point, or
 * all. The journal is gone as well. */
static inline void world_cut(world_t *world, prng_t *prng) {
    size_t sectors = world->appending ? world->append_size / WORLD_CUT_BYTES : 0;
    uint64_t manner = prng_below(prng, 8);
    size_t whole = manner == 0 ? sectors : (manner < 3 ? (size_t)prng_below(prng, sectors + 1) : 0);
    for (size_t i = 0; i < sectors; i++) {
        size_t at = i * WORLD_CUT_BYTES;
        uint8_t *old = world->disk + world->append_offset + at;
        if (i < whole) {
            memcpy(old, world->append_data + at, WORLD_CUT_BYTES);
        } else if (manner >= 3) {
            world_cut_sector(old, world->append_data + at, prng);
        }
    }
    world->appending = world->reading = false;
    world->journal = NULL;
}

/* ---- opening ---- */

static inline void world_open_sized(world_t *world, uint32_t segments, size_t segment_bytes,
                                    size_t buffer_bytes) {
    memset(world, 0, sizeof *world);
    world->segments = segments;
    world->segment_bytes = segment_bytes;
    world->buffer_bytes = buffer_bytes;
    world->disk_bytes = segments * segment_bytes;
    world->disk = calloc(1, world->disk_bytes);
    world->memory = malloc(journal_memory_bytes(buffer_bytes, segments));
    world->capacity = 1u << 12;
    world->records = calloc(world->capacity, sizeof *world->records);
    assert_true(world->disk != NULL && world->memory != NULL && world->records != NULL);
    world->host = (host_t){.context = world, .append = world_host_append, .read = world_host_read};
}

static inline void world_open(world_t *world, uint32_t segments, size_t buffer_bytes) {
    world_open_sized(world, segments, WORLD_SEGMENT_BYTES, buffer_bytes);
}

static inline void world_close(world_t *world) {
    free(world->disk);
    free(world->memory);
    free(world->records);
}

static inline void world_start(world_t *world) {
    size_t size = journal_memory_bytes(world->buffer_bytes, world->segments);
    memset(world->memory, 0xa5, size); /* nothing may depend on what it held */
    world->journal = journal_make_sized(world->memory, world->buffer_bytes, world->segment_bytes,
                                        world->segments, &world->host);
    if (world->extent_bytes != 0) {
        journal_set_extent(world->journal, world->extent_bytes);
    }
    journal_recover(world->journal);
}

/* Drives recovery by at most `budget` completions; WAIT when they are used up. */
static inline journal_step_t world_drive(world_t *world, uint64_t budget, world_record_t *got,
                                         size_t *got_count, size_t got_max) {
    for (;;) {
        journal_entry_t entry;
        journal_step_t step = journal_next(world->journal, &entry);
        if (step == JOURNAL_ENTRY) {
            assert_true(*got_count < got_max);
            got[(*got_count)++] = (world_record_t){
                entry.sequence, entry.address, world_hash(entry.body), entry.kind, entry.body.size};
        } else if (step != JOURNAL_WAIT || budget == 0) {
            return step;
        } else {
            budget--;
            if (!world_complete_read(world)) {
                assert_true(world_complete_append(world));
            }
        }
    }
}

static inline bool world_same(const world_record_t *a, const world_record_t *b) {
    return a->sequence == b->sequence && a->hash == b->hash && a->kind == b->kind &&
           a->size == b->size;
}

/* Compares what recovery gave with the model, which then forgets what was cut. `durable` is what
 * the journal had acknowledged before. The genesis comes first, once; then a run of records that
 * starts at the first unreleased one or before it. */
static inline void world_check(world_t *world, const world_record_t *got, size_t got_count,
                               uint64_t durable) {
    if (world->count == 0 || got_count == 0) {
        assert_int_equal(got_count, 0);
        assert_int_equal(durable, 0);
        world->count = 0;
        return;
    }
    assert_int_equal(got[0].kind, JOURNAL_GENESIS);
    assert_int_equal(got[0].hash, world->records[0].hash);
    size_t at = 1;
    size_t first = 1;
    if (got_count > 1) {
        while (at < world->count && world->records[at].sequence < got[1].sequence) {
            at++;
        }
        first = at;
        for (size_t i = 1; i < got_count; i++, at++) {
            assert_true(at < world->count);
            assert_true(world_same(&got[i], &world->records[at]));
            assert_int_equal(got[i].address, world->records[at].address);
        }
    } else {
        while (at < world->count && world->records[at].sequence < world->released) {
            at++;
        }
        first = at;
    }
    if (first > 1) {
        assert_true(world->records[first - 1].sequence < world->released);
    }
    if (at < world->count) {
        assert_true(world->records[at].sequence > durable);
    }
    world->count = at;
}

/* A whole recovery that must succeed. */
static inline void world_recover(world_t *world, uint64_t durable) {
    world_record_t *got = calloc(world->capacity, sizeof *got);
    size_t got_count = 0;
    assert_non_null(got);
    world_start(world);
    journal_step_t step = world_drive(world, UINT64_MAX, got, &got_count, world->capacity);
    if (step != JOURNAL_END) {
        print_message("recovery: %s\n", journal_reason(world->journal));
    }
    assert_int_equal(step, JOURNAL_END);
    world_check(world, got, got_count, durable);
    assert_int_equal(journal_durable(world->journal), journal_last(world->journal));
    free(got);
}

/* A recovery that must be refused; returns the reason. */
static inline const char *world_refuse(world_t *world, synod_status status) {
    world_record_t *got = calloc(world->capacity, sizeof *got);
    size_t got_count = 0;
    assert_non_null(got);
    world_start(world);
    journal_step_t step = world_drive(world, UINT64_MAX, got, &got_count, world->capacity);
    free(got);
    assert_int_equal(step, JOURNAL_FAILED);
    assert_int_equal(journal_status(world->journal), status);
    assert_true(strlen(journal_reason(world->journal)) > 0);
    return journal_reason(world->journal);
}

/* ---- appending ---- */

/* The body is a function of its size and `flavour` only, so that what is appended again after a cut
 * is often, byte for byte, what was lost. */
static inline uint64_t world_append(world_t *world, journal_kind_t kind, size_t size,
                                    uint64_t flavour) {
    uint8_t *body = malloc(size + 1);
    assert_non_null(body);
    prng_t prng = prng_of(flavour * 1000003u + size);
    for (size_t i = 0; i < size; i++) {
        body[i] = (uint8_t)prng_next(&prng);
    }
    size_t half = size / 2;
    bytes_t parts[2] = {bytes_of(body, half), bytes_of(body + half, size - half)};
    uint64_t address = UINT64_MAX;
    uint64_t sequence = journal_append(world->journal, kind, parts, 2, &address);
    if (sequence != 0) {
        assert_true(world->count < world->capacity);
        if (world->count > 0) {
            assert_true(sequence > world->records[world->count - 1].sequence);
        }
        world->records[world->count++] =
            (world_record_t){sequence, address, world_hash(bytes_of(body, size)), kind, size};
    }
    free(body);
    return sequence;
}

/* Everything that has collected becomes durable. */
static inline void world_flush(world_t *world) {
    do {
        journal_pump(world->journal);
    } while (world_complete_append(world));
    assert_int_equal(journal_durable(world->journal), journal_last(world->journal));
}

static inline void world_genesis(world_t *world) {
    assert_int_equal(world_append(world, JOURNAL_GENESIS, 100, 7), 1);
    world_flush(world);
}

/* A fresh journal with its genesis durable. */
static inline void world_fresh(world_t *world, uint32_t segments, size_t buffer_bytes) {
    world_open(world, segments, buffer_bytes);
    world_recover(world, 0);
    world_genesis(world);
}

#endif
