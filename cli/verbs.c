/* The map. */
#include "cli/verbs.h"

#include <stddef.h>

const verb_t *const verbs[] = {
    &verb_demo, &verb_up,     &verb_init,   &verb_testnet, &verb_node, &verb_submit,    &verb_query,
    &verb_load, &verb_status, &verb_doctor, &verb_bench,   &verb_sim,  &verb_protocols, NULL};
