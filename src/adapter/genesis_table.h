/* The parameters of a chain as rows: their names in genesis.json, where they are in memory, and
 * what they may be. JSON, canonical form and judgement walk the same rows. Private to genesis*.c.
 */
#ifndef ADAPTER_GENESIS_TABLE_H
#define ADAPTER_GENESIS_TABLE_H

#include "adapter/genesis.h"

/* The one parameter that is a word in genesis.json: the name of a payload strategy. */
#define GENESIS_STRATEGY "payload_strategy"

typedef struct genesis_row {
    const char *name;
    uint32_t offset; /* in chain_parameters_t */
    uint32_t width;  /* 4 or 8 bytes in memory */
    uint64_t low, high;
    bool power_of_two;
} genesis_row_t;

extern const genesis_row_t genesis_rows[];
extern const size_t genesis_row_count;

uint64_t genesis_row_get(const genesis_row_t *row, const chain_parameters_t *parameters);
void genesis_row_set(const genesis_row_t *row, chain_parameters_t *parameters, uint64_t value);

/* ---- genesis_time.c ---- */

#define GENESIS_TIME_TEXT_MAX 32
/* "2025-01-31T12:00:00Z", whole seconds, years 1970 to 2500. False when it is something else. */
bool genesis_time_parse(const char *text, uint64_t *time_ns);
void genesis_time_print(uint64_t time_ns, char text[GENESIS_TIME_TEXT_MAX]);

#endif
