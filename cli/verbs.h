/* The verbs of the program, one file each. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/options.h"

extern const verb_t verb_up, verb_demo, verb_init, verb_testnet, verb_node, verb_submit, verb_query,
    verb_load, verb_status, verb_doctor, verb_sim, verb_bench, verb_protocols;

/* In the order of the map; NULL-terminated. */
extern const verb_t *const verbs[];

#endif
