/* A fault hook (faults.h): a validator that misbehaves from a moment on, in its own name and under
 * its own key. SIGUSR2 makes it read the file `misbehave` of its home, words separated by commas:
 *   equivocate     says two things at once: another block to half of the others when it leads, a
 *                  vote for another block beside its vote
 *   withhold       one member, always the same, never gets its proposals
 *   silent         nothing that it says leaves, to members and clients alike; it goes on listening
 *   delay=PERCENT  holds each of its proposals for so much of the chain's view time-out, and shows
 *                  the certificates that it stands on meanwhile: nobody's view lasts longer than
 *                  that, so a leader can do it for ever (attack P11). Without them it would be two
 *                  such times until others see a certificate, and f + 1 of them would leave it
 *   slow=US        each turn of its event loop takes so many microseconds longer, as on a machine
 *                  that is starved: it hears, works and speaks late, and there is no end to the
 *                  work that it can be behind with. This one breaks nothing
 * What was read before ends; an empty file makes it behave. Only in builds with hooks. */
#ifndef NODE_MISBEHAVE_H
#define NODE_MISBEHAVE_H

#define MISBEHAVE_FILE "misbehave"
#define MISBEHAVE_SLOW_MAX_US 10000000u

#ifdef SYNOD_FAULT_HOOKS

#include "codec/message_codec.h"
#include "node/state.h"

/* ---- misbehave.c ---- */
typedef struct misbehaviour misbehaviour_t;

/* When the loop is there; NULL: out of memory. */
misbehaviour_t *misbehave_open(node_t *node);
/* Stands between the replica and the host's `send` from here on. After node_bind_host. */
void misbehave_bind(node_t *node);
/* When the loop is closed. */
void misbehave_free(misbehaviour_t *misbehaviour);

/* ---- misbehave_frames.c ---- */
/* Is it a message of this node's own, and what? Block and certificates are put into `arena`, of
 * message_arena_bytes; payload: what a proposal has. */
bool own_message(const node_t *node, arena_t *arena, bytes_t frame, message_t *message,
                 bytes_t *payload);
bool is_proposal(const node_t *node, const message_t *message);

/* Bytes more than the frame that the other one may need. */
#define EQUIVOCATE_ROOM 64u

/* The other side of a proposal or a vote of this node: another block of the same view, or a vote
 * for one that nobody proposed. Its frame is put into `to`, of frame.size + EQUIVOCATE_ROOM bytes;
 * how large it is, or 0 when the frame is none of those. */
size_t equivocate_frame(node_t *node, arena_t *arena, bytes_t frame, uint8_t *to);
/* The certificates of a proposal as a message of their own, into `room` bytes, of which a frame
 * never needs more than the proposal's; its size, or 0: the protocol has no such message. */
size_t certificates_frame(node_t *node, const message_t *proposal, uint8_t *to, size_t room);

#endif
#endif
