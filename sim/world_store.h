/* Snapshots of a simulated node: its two slots. Part of world_state.h. */
#ifndef SIM_WORLD_STORE_H
#define SIM_WORLD_STORE_H

#include "base/bytes.h"

struct node;

typedef struct blob {
    uint8_t *bytes;
    size_t size, capacity;
    bool there;
} blob_t;

/* Two slots; what is being written lies aside until it is whole. */
typedef struct store {
    blob_t slots[2], asides[2];
    bool storing;
    uint32_t slot;
    uint64_t offset;
    bytes_t data; /* in the replica's memory until the piece completes */
    unsigned flags;
} store_t;

void store_begin(struct node *node, uint32_t slot, uint64_t offset, bytes_t data, unsigned flags);
synod_status store_complete(struct node *node);
/* The process or the machine stops while a piece is under way. */
void store_stop(struct node *node);
synod_status store_read(const struct node *node, uint32_t slot, uint64_t offset, void *to,
                        size_t size);
void store_free(store_t *store);

#endif
