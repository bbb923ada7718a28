/* The result of a request: for each operation, in order, status u8 (OK or APP_ERROR), length u32,
 * bytes that the application wrote (docs/formats/sessions.md, rules 11 and 12). */
#ifndef REPLICA_SESSION_RUN_H
#define REPLICA_SESSION_RUN_H

#include <synod/app.h>

#include "codec/request.h"

#define OPERATION_HEADER_BYTES 5 /* status u8, length u32 */

/* Executes every operation of a decoded request and returns the result, in `buffer` (`size` bytes:
 * at least OPERATION_HEADER_BYTES an operation). `*outcome`: APP_ERROR when an operation's is. */
bytes_t session_run(const synod_app *app, void *state, const synod_block_info *info,
                    const request_t *request, uint8_t *buffer, size_t size, synod_status *outcome);

#endif
