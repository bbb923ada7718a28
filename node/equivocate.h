/* A fault hook (faults.h): what a member says instead, in its own name and under its own key, when
 * it says two things at once. Only in builds with hooks. */
#ifndef NODE_EQUIVOCATE_H
#define NODE_EQUIVOCATE_H

#ifdef SYNOD_FAULT_HOOKS

#include "node/state.h"

/* Bytes more than the frame that the other one may need. */
#define EQUIVOCATE_ROOM 64u

/* The other side of a proposal or a vote of this node: another block of the same view, or a vote
 * for one that nobody proposed. Its frame is put into `to`, of frame.size + EQUIVOCATE_ROOM bytes;
 * how large it is, or 0 when the frame is none of those. */
size_t equivocate_frame(node_t *node, arena_t *arena, bytes_t frame, uint8_t *to);

#endif
#endif
