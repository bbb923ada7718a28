/* The notes that undo_shim.c takes and undo_apply.c reads: one file, mapped by the process whose
 * power will be cut, so that it is whole whenever that process is killed. */
#ifndef POWER_UNDO_H
#define POWER_UNDO_H

#include <stdint.h>

#define UNDO_BYTES (UINT64_C(64) << 20)
#define UNDO_PATH 512
#define UNDO_SECTOR 512u

typedef struct undo_head {
    uint64_t used;  /* bytes of notes behind this; a note counts when this covers it */
    uint64_t names; /* of saved files, each once */
} undo_head_t;

typedef enum undo_kind {
    UNDO_VOID = 0,   /* was made durable */
    UNDO_DATA = 1,   /* bytes of `path` from `offset`; what they were follows the note */
    UNDO_CREATE = 2, /* `path` was made */
    UNDO_RENAME = 3, /* `other` became `path`, which had been `saved` if that is not empty */
    UNDO_UNLINK = 4  /* `path` went; it is `saved` */
} undo_kind_t;

typedef struct undo_note {
    uint32_t kind, old_size; /* bytes that follow; then up to the next multiple of 8 */
    uint64_t offset, written, old_length;
    char path[UNDO_PATH], other[UNDO_PATH], saved[UNDO_PATH];
} undo_note_t;

static inline uint64_t undo_note_bytes(const undo_note_t *note) {
    return sizeof *note + ((uint64_t)note->old_size + 7) / 8 * 8;
}

#endif
