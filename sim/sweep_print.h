/* What a sweep found, for people and as JSON. */
#ifndef SIM_SWEEP_PRINT_H
#define SIM_SWEEP_PRINT_H

#include "sim/sweep.h"

void sweep_print_text(const sweep_options_t *options, const sweep_totals_t *totals);
void sweep_print_json(const sweep_options_t *options, const sweep_totals_t *totals);

#endif
