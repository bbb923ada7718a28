/* See costs.h. */
#include "cli/costs.h"

#include <stdio.h>

#include "base/check.h"
#include "protocol/costs.h"

/* Loaded; alone; one leader dead; f in a row. */
#define COLUMNS 4

static const char *const row_names[COST_FORMULAS] = {
    "base time-outs",  "delays until first final", "delays until all final", "messages",
    "signatures made", "authenticators carried",   "  checked first there",  "bytes"};

static uint32_t faults_of(uint32_t members) {
    return (members - 1) / 3;
}

static cost_case_t column_case(uint32_t column) {
    return column == 0 ? COST_LOADED : column == 1 ? COST_ALONE : COST_FAILED;
}

static uint32_t column_dead(uint32_t column, uint32_t members) {
    return column < 2 ? 0 : column == 2 ? 1 : faults_of(members);
}

static double value_of(const char *formula, uint32_t members, uint32_t dead) {
    cost_terms_t terms = cost_terms_of(members, dead);
    double value = 0;
    bool good = cost_value(formula, &terms, &value);
    ensure(good);
    return value;
}

/* It needs f + 1 answers, so it waits for more than the first member. */
static double client_delays(const costs_t *costs, uint32_t column, uint32_t members) {
    return 2 +
           value_of(costs->cases[column_case(column)].all, members, column_dead(column, members));
}

/* Where nobody may fail there is nothing to say of failures. */
static uint32_t columns_of(uint32_t members) {
    return faults_of(members) == 0 ? 2 : faults_of(members) == 1 ? 3 : COLUMNS;
}

static void print_table(const costs_t *costs, uint32_t members) {
    uint32_t columns = columns_of(members);
    printf("  %-26s %12s %12s", "a block", "loaded", "alone");
    for (uint32_t column = 2; column < columns; column++)
        printf("  %5u dead", column_dead(column, members));
    printf("\n");
    for (uint32_t row = 0; row < COST_FORMULAS; row++) {
        printf("  %-26s", row_names[row]);
        for (uint32_t column = 0; column < columns; column++)
            printf(column < 2 ? " %12.10g" : " %11.10g",
                   value_of(cost_formula(&costs->cases[column_case(column)], row), members,
                            column_dead(column, members)));
        printf("\n");
    }
    printf("  %-26s", "delays for a client"); /* the request's way in, and the answers' */
    for (uint32_t column = 0; column < columns; column++)
        printf(column < 2 ? " %12.10g" : " %11.10g", client_delays(costs, column, members));
    printf("\n");
}

void costs_print_text(const protocol_t *protocol, uint32_t members) {
    const costs_t *costs = costs_of(protocol->name);
    if (costs == NULL) {
        printf("%s\n  no costs are stated\n", protocol->name);
        return;
    }
    cost_terms_t terms = cost_terms_of(members, 0);
    printf("%s  n = %u, f = %g, q = %g\n", protocol->name, members, terms.f, terms.q);
    printf("  a quorum certificate is a list of signatures of %s = %g bytes; under load a block "
           "each %s delays\n",
           costs->certificate, value_of(costs->certificate, members, 0), costs->apart);
    print_table(costs, members);
    for (uint32_t c = 0; c < COST_CASES; c++) {
        printf("  %s%s\n", cost_case_names[c], c == COST_FAILED ? ", k leaders in a row" : "");
        for (uint32_t row = 0; row < COST_FORMULAS; row++)
            printf("    %-10s %s\n", cost_names[row], cost_formula(&costs->cases[c], row));
    }
}

static void print_column(const costs_t *costs, uint32_t column, uint32_t members) {
    const cost_t *cost = &costs->cases[column_case(column)];
    uint32_t dead = column_dead(column, members);
    printf("%s{\"case\":\"%s\",\"dead\":%u,\"client\":%.10g", column == 0 ? "" : ",",
           cost_case_names[column_case(column)], dead, client_delays(costs, column, members));
    for (uint32_t row = 0; row < COST_FORMULAS; row++)
        printf(",\"%s\":%.10g,\"%s_formula\":\"%s\"", cost_names[row],
               value_of(cost_formula(cost, row), members, dead), cost_names[row],
               cost_formula(cost, row));
    printf("}");
}

void costs_print_json(const protocol_t *protocol, uint32_t members) {
    const costs_t *costs = costs_of(protocol->name);
    cost_terms_t terms = cost_terms_of(members, 0);
    printf("{\"name\":\"%s\",\"n\":%u,\"f\":%g,\"q\":%g", protocol->name, members, terms.f,
           terms.q);
    if (costs != NULL) {
        printf(",\"certificate_bytes\":%g,\"certificate_bytes_formula\":\"%s\","
               "\"delays_between_blocks\":%s,\"cases\":[",
               value_of(costs->certificate, members, 0), costs->certificate, costs->apart);
        for (uint32_t column = 0; column < columns_of(members); column++)
            print_column(costs, column, members);
        printf("]");
    }
    printf("}");
}
