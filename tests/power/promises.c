/* See promises.h. Offsets: docs/formats/statement.md. */
#include "tests/power/promises.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "model/statement.h"
#include "protocol/registry.h"

#define AT_PHASE 77
#define AT_VIEW 80
#define AT_HEIGHT 88
#define AT_SUBJECT 96
#define AT_CLAIM 136

void promises_path(const storage_t *storage, uint32_t index, char *to, size_t to_size) {
    char name[32];
    snprintf(name, sizeof name, "promises%u", index);
    storage_beside(storage, name, to, to_size);
}

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static promise_t *place_of(promises_t *promises, uint64_t slot) {
    uint64_t mask = promises->capacity - 1, at = slot & mask;
    while (promises->table[at].slot != 0 && promises->table[at].slot != slot)
        at = (at + 1) & mask;
    return &promises->table[at];
}

static void make_room(promises_t *promises) {
    if (2 * (promises->count + 1) <= promises->capacity)
        return;
    promise_t *old = promises->table;
    uint64_t old_capacity = promises->capacity;
    promises->capacity = old_capacity == 0 ? 1024 : 2 * old_capacity;
    promises->table = calloc(promises->capacity, sizeof(promise_t));
    ensure(promises->table != NULL);
    for (uint64_t i = 0; i < old_capacity; i++)
        if (old[i].slot != 0)
            *place_of(promises, old[i].slot) = old[i];
    free(old);
}

static uint64_t slot_of(uint32_t member, const phase_t *phase, const uint8_t *statement) {
    uint64_t hash = mix(mix(1, member), statement[AT_PHASE]);
    hash = (phase->slot & SLOT_VIEW) != 0 ? mix(hash, load_u64(statement + AT_VIEW)) : hash;
    hash = (phase->slot & SLOT_HEIGHT) != 0 ? mix(hash, load_u64(statement + AT_HEIGHT)) : hash;
    hash = (phase->slot & SLOT_SUBJECT) != 0 ? mix(hash, load_u32(statement + AT_SUBJECT)) : hash;
    hash = (phase->slot & SLOT_CLAIM) != 0 ? mix(hash, load_u64(statement + AT_CLAIM)) : hash;
    return hash == 0 ? 1 : hash;
}

static bool judge_one(promises_t *promises, uint32_t member, const uint8_t *statement, char *why,
                      size_t why_size) {
    const protocol_t *protocol = protocol_find(PROTOCOL_DEFAULT);
    const phase_t *phase = &protocol->phases[statement[AT_PHASE]];
    uint64_t view = load_u64(statement + AT_VIEW), content = 1;
    for (size_t at = 0; at < STATEMENT_BYTES; at += 8)
        content = mix(content, load_u64(statement + at));
    make_room(promises);
    uint64_t slot = slot_of(member, phase, statement);
    promise_t *promise = place_of(promises, slot);
    promises->seen++;
    promises->count += promise->slot == 0;
    if (promise->slot != 0 && promise->content != content) {
        snprintf(why, why_size, "validator %u said two things in one slot: phase %s, view %" PRIu64,
                 member, phase->name, view);
        return false;
    }
    *promise = (promise_t){slot, content};
    if (phase->body == BODY_NEW_VIEW && view > promises->left[member])
        promises->left[member] = view;
    if (phase->body == BODY_VOTE && view <= promises->left[member]) {
        snprintf(why, why_size,
                 "validator %u voted in view %" PRIu64 " after it left view %" PRIu64, member, view,
                 promises->left[member]);
        return false;
    }
    return true;
}

bool promises_judge(promises_t *promises, const storage_t *storage, char *why, size_t why_size) {
    bool good = true;
    for (uint32_t i = 0; good && i < storage->count; i++) {
        char path[STORAGE_PATH];
        uint8_t statement[STATEMENT_BYTES];
        promises_path(storage, i, path, sizeof path);
        FILE *file = fopen(path, "rb");
        if (file == NULL)
            continue; /* not started yet */
        if (fseek(file, (long)promises->read_bytes[i], SEEK_SET) == 0)
            while (good && fread(statement, sizeof statement, 1, file) == 1) {
                promises->read_bytes[i] += sizeof statement;
                good = judge_one(promises, i, statement, why, why_size);
            }
        fclose(file);
    }
    return good;
}

void promises_free(promises_t *promises) {
    free(promises->table);
}
