/* The HTTP API of a node: what it is doing, for people and for Prometheus (docs/guide/monitor.md).
 * Answers are made in the node's loop from what it holds; the server bounds what that may cost. */
#ifndef NODE_API_H
#define NODE_API_H

#include "adapter/http.h"
#include "node/node.h"

typedef struct api api_t;

/* `*api` stays NULL when the configuration wants none. Refuses as http_open; what was opened until
 * then is in `*api`. */
synod_status api_open(node_t *node, api_t **api, reason_t *reason);
/* 0: there is none. */
uint16_t api_port(const api_t *api);
const http_counters_t *api_counters(const api_t *api);

/* As http_stop, http_stopped, http_free; NULL is fine. */
void api_stop(api_t *api);
bool api_stopped(const api_t *api);
/* When the disk has stopped too. */
void api_close(api_t *api);

/* The answer of disk_read with API_TOKEN (api_state.h). */
void api_on_read(api_t *api, synod_status status);

#endif
