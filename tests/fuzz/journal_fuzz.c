/* Fuzz target: recovery of any device. Whatever bytes are on it, recovery ends with a reason or
 * with a journal that takes records, and then the next recovery gives the same records and the new
 * one.
 *
 * The input is a list of edits to a device, which begins as zeros, as a journal of some segments or
 * of a few records; an edit may also mend the checksums of the record that it hit, or the chain of
 * its segment, or else no edit would get past them: kind u8, offset u24, length u8, bytes. */
#include <stdlib.h>

#include "base/check.h"
#include "replica/journal_format.h"
#include "tests/fuzz/fuzz.h"

enum { SEGMENTS = 3, SEGMENT_BYTES = 64 << 10, BUFFER_BYTES = 8 << 10, RECORDS_MAX = 1 << 13 };

typedef struct device {
    uint8_t bytes[SEGMENTS * SEGMENT_BYTES];
    journal_t *journal;
    void *memory;
    uint64_t records, digest; /* what a recovery gave */
    host_t host;
} device_t;

static void on_append(void *context, uint64_t token, uint64_t offset, bytes_t bytes) {
    device_t *device = context;
    require(offset % JOURNAL_SECTOR_BYTES == 0 && bytes.size % JOURNAL_SECTOR_BYTES == 0);
    require(offset + bytes.size <= sizeof device->bytes);
    memcpy(device->bytes + offset, bytes.data, bytes.size);
    require(journal_on_appended(device->journal, token, SYNOD_OK));
}

static void on_read(void *context, uint64_t token, uint64_t offset, void *to, size_t size) {
    device_t *device = context;
    require(offset + size <= sizeof device->bytes);
    memcpy(to, device->bytes + offset, size);
    journal_on_read(device->journal, token, SYNOD_OK);
}

static uint64_t mix(uint64_t digest, bytes_t bytes) {
    return (digest ^ journal_crc(0, bytes)) * UINT64_C(0x100000001b3);
}

/* True when the journal came up. */
static bool recover(device_t *device) {
    journal_entry_t entry;
    device->records = 0;
    device->digest = 1;
    device->journal =
        journal_make_sized(device->memory, BUFFER_BYTES, SEGMENT_BYTES, SEGMENTS, &device->host);
    journal_recover(device->journal);
    for (;;) {
        journal_step_t step = journal_next(device->journal, &entry);
        require(step != JOURNAL_WAIT); /* this host answers at once */
        if (step == JOURNAL_END) {
            require(journal_durable(device->journal) == journal_last(device->journal));
            return true;
        }
        if (step == JOURNAL_FAILED) {
            require(journal_status(device->journal) != SYNOD_OK);
            require(journal_reason(device->journal)[0] != '\0');
            return false;
        }
        require(device->records < RECORDS_MAX);
        require((entry.kind == JOURNAL_GENESIS) == (device->records == 0));
        device->records++;
        device->digest = mix(device->digest, entry.body);
    }
}

static bool append(device_t *device, journal_kind_t kind, size_t size, uint8_t fill) {
    uint8_t body[4096];
    require(size <= sizeof body);
    memset(body, fill, sizeof body);
    bytes_t part = bytes_of(body, size);
    if (journal_append(device->journal, kind, &part, 1, NULL) == 0) {
        return false;
    }
    journal_pump(device->journal);
    require(journal_durable(device->journal) == journal_last(device->journal));
    device->records++;
    device->digest = mix(device->digest, part);
    return true;
}

/* A journal that has been round its device and has live segments. */
static void prepare(device_t *device, int count, uint8_t *copy) {
    memset(device->bytes, 0, sizeof device->bytes);
    require(recover(device));
    require(append(device, JOURNAL_GENESIS, 20, 1));
    for (int i = 0; i < count; i++) {
        if (journal_status(device->journal) == SYNOD_NO_SPACE) {
            journal_release(device->journal, journal_durable(device->journal));
        }
        require(append(device, JOURNAL_BLOCK, (size_t)(i * 997 % 4000), (uint8_t)i));
    }
    memcpy(copy, device->bytes, sizeof device->bytes);
}

static void mend(uint8_t *record, size_t left) {
    uint32_t length = load_u32(record + 32);
    if (length <= left - JOURNAL_RECORD_HEADER_BYTES) {
        store_u32(record + 36,
                  journal_crc(0, bytes_of(record + JOURNAL_RECORD_HEADER_BYTES, length)));
    }
    store_u32(record, JOURNAL_MAGIC);
    store_u32(record + 4, journal_crc(0, bytes_of(record + 8, JOURNAL_RECORD_HEADER_BYTES - 8)));
}

/* Makes one chain of all records of a segment again. */
static void mend_chain(uint8_t *segment) {
    uint8_t chain[JOURNAL_CHAIN_BYTES];
    memcpy(chain, segment + 48, sizeof chain);
    uint64_t at = 0;
    while (at + JOURNAL_RECORD_HEADER_BYTES <= SEGMENT_BYTES) {
        uint8_t *record = segment + at;
        if (load_u32(record) != JOURNAL_MAGIC) {
            uint64_t sector = journal_align_sector(at);
            if (sector == at) {
                return;
            }
            at = sector;
            continue;
        }
        memcpy(record + 48, chain, sizeof chain);
        mend(record, (size_t)(SEGMENT_BYTES - at));
        journal_chain(record, chain);
        at += journal_cost(load_u32(record + 32));
    }
}

static void edit(device_t *device, reader_t *input) {
    while (reader_left(input) >= 5) {
        uint8_t kind = read_u8(input);
        uint32_t offset = read_u16(input);
        offset = (offset | (uint32_t)read_u8(input) << 16) % (uint32_t)sizeof device->bytes;
        size_t size = read_u8(input);
        size = size < reader_left(input) ? size : reader_left(input);
        size = size < sizeof device->bytes - offset ? size : sizeof device->bytes - offset;
        bytes_t bytes = read_bytes(input, size);
        if (size > 0) {
            memcpy(device->bytes + offset, bytes.data, size);
        }
        uint32_t start = offset - offset % JOURNAL_ALIGNMENT_BYTES;
        if ((kind & 1) != 0) {
            mend(device->bytes + start, sizeof device->bytes - start);
        }
        if ((kind & 4) != 0) {
            mend_chain(device->bytes + start / SEGMENT_BYTES * SEGMENT_BYTES);
        }
        if ((kind & 2) != 0) { /* a whole sector over another one */
            uint32_t other = (offset >> 4) % (SEGMENTS * SEGMENT_BYTES / 4096) * 4096;
            memmove(device->bytes + other, device->bytes + (start & ~UINT32_C(4095)), 4096);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static device_t device;
    static uint8_t prepared[2][sizeof device.bytes];
    if (device.memory == NULL) {
        device.memory = malloc(journal_memory_bytes(BUFFER_BYTES, SEGMENTS));
        require(device.memory != NULL);
        device.host = (host_t){.context = &device, .append = on_append, .read = on_read};
        prepare(&device, 40, prepared[0]);
        prepare(&device, 4, prepared[1]);
    }
    reader_t input = reader_of(bytes_of(data, size));
    memset(device.bytes, 0, sizeof device.bytes);
    uint8_t start = read_u8(&input);
    if (start != 0) {
        memcpy(device.bytes, prepared[start % 2], sizeof device.bytes);
    }
    edit(&device, &input);
    if (!recover(&device)) {
        return 0;
    }
    (void)append(&device, device.records == 0 ? JOURNAL_GENESIS : JOURNAL_RECORD, 30, 9);
    uint64_t records = device.records;
    uint64_t digest = device.digest;
    if (!recover(&device)) {
        require(journal_status(device.journal) == SYNOD_NO_SPACE);
        return 0;
    }
    require(device.records == records && device.digest == digest);
    (void)fuzz_took(SYNOD_OK);
    return 0;
}
