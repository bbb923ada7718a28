/* Consensus messages on the wire: one schema, generic over protocols, driven by the phase table.
 *
 * Decoding judges everything that can be judged without signatures: phase known, body and claims as
 * the table says, members inside of the committee, certificates well-formed (certificate_judge is
 * the gate's), no byte left over. Payload bytes of a proposal follow the message in the frame. */
#ifndef CODEC_MESSAGE_CODEC_H
#define CODEC_MESSAGE_CODEC_H

#include "base/arena.h"
#include "model/certificate_wire.h"
#include "model/message.h"

/* Bytes of the encoding without payload. */
size_t message_encoded_bytes(const message_t *message);
/* Exactly message_encoded_bytes; the writer has room. */
void message_encode(const message_t *message, writer_t *writer);
/* Decodes from the front of the reader; block and certificates are put into `arena`. `members` is
 * the committee size. What is left in the reader is the payload. */
synod_status message_decode(reader_t *reader, const phase_t *phases, uint32_t phase_count,
                            uint32_t members, arena_t *arena, message_t *message);

/* Arena bytes that decoding any one message of this committee size can take. */
size_t message_arena_bytes(uint32_t members);

#endif
