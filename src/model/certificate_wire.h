/* The byte form of a certificate, for records, frames and stores (docs/formats/wire.md). */
#ifndef MODEL_CERTIFICATE_WIRE_H
#define MODEL_CERTIFICATE_WIRE_H

#include "base/arena.h"
#include "model/certificate.h"

size_t certificate_encoded_bytes(const certificate_t *certificate);
/* Exactly certificate_encoded_bytes; the writer has room. */
void certificate_encode(const certificate_t *certificate, writer_t *writer);
/* Judges structure and bounds against the committee size `members`; the certificate is put into the
 * arena (SYNOD_NO_MEMORY when it does not fit). */
synod_status certificate_decode(reader_t *reader, uint32_t members, arena_t *arena,
                                const certificate_t **certificate);

#endif
