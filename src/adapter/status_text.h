/* The status report as text, the same from `synod status --json` and from the HTTP API. */
#ifndef ADAPTER_STATUS_TEXT_H
#define ADAPTER_STATUS_TEXT_H

#include <stdio.h>

#include "codec/sync_codec.h"

/* Fields of a JSON object, without its braces. */
void status_print_json(FILE *to, const status_report_t *report);

/* "timeout", "rotation" or "none". */
const char *status_view_cause(uint32_t cause);

#endif
