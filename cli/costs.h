/* What protocols cost, printed: the formulas of src/protocol/costs.h and their values. */
#ifndef CLI_COSTS_H
#define CLI_COSTS_H

#include "protocol/registry.h"

void costs_print_text(const protocol_t *protocol, uint32_t members);
/* One object. */
void costs_print_json(const protocol_t *protocol, uint32_t members);

#endif
