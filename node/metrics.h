/* The metrics page: Prometheus' text format, version 0.0.4. Every family is a row of the table in
 * docs/guide/monitor.md, and the other way round (tests/loopback/monitor_test.sh). Labels have few
 * values that are known beforehand: kinds, causes, reasons, members. */
#ifndef NODE_METRICS_H
#define NODE_METRICS_H

#include <stdio.h>

#include "node/node.h"

void metrics_print(node_t *node, FILE *page);
/* metrics_process.c: what every process has. */
void metrics_print_process(FILE *page);

#endif
