/* The metrics page: Prometheus' text format, version 0.0.4. */
#ifndef NODE_METRICS_H
#define NODE_METRICS_H

#include <stdio.h>

#include "node/node.h"

void metrics_print(node_t *node, FILE *page);

#endif
