/* What a protocol costs, as formulas in the size of the committee: the one place where they stand.
 * `synod protocols --costs` prints them, the pages in docs/protocols quote them, and
 * tests/property/bare_costs_test.c counts in the simulator whether they are true.
 *
 * Letters: n members; f of them may fail; q in a quorum; b bytes of a bitmap of members; k leaders
 * in a row that are dead. A formula has numbers, letters, + - / ^, brackets, and products without a
 * sign: `2k(n-k)(n-1)`. */
#ifndef PROTOCOL_COSTS_H
#define PROTOCOL_COSTS_H

#include <stdbool.h>
#include <stdint.h>

/* One block with payload, from the proposal (dead leaders: from the request) until it is final at
 * all, with everything that is sent until all members rest. Payload bytes and clients apart. */
typedef struct cost {
    const char *timeouts; /* base time-outs that pass */
    const char *first;    /* message delays until the first member knows that it is final */
    const char *all;      /* and until all do */
    const char *messages; /* to one member each */
    const char *made;     /* signatures */
    const char *carried;  /* authenticators in all messages, those of certificates too */
    const char *checked;  /* of them, those that the receiver had not checked before */
    const char *bytes;    /* frames with their headers */
} cost_t;

#define COST_FORMULAS 8
/* By index, in the order above: what each is called. */
extern const char *const cost_names[COST_FORMULAS];
const char *cost_formula(const cost_t *cost, uint32_t index);

typedef enum cost_case {
    COST_LOADED = 0, /* one of many blocks that follow each other */
    COST_ALONE,      /* a request while nothing else is to do */
    COST_FAILED,     /* the same, and the first k leaders are dead */
    COST_CASES
} cost_case_t;
extern const char *const cost_case_names[COST_CASES];

typedef struct costs {
    const char *protocol;
    const char *certificate; /* bytes of a quorum certificate: a list of signatures */
    const char *apart;       /* message delays between blocks under load */
    cost_t cases[COST_CASES];
} costs_t;

/* NULL: nobody has written them down. */
const costs_t *costs_of(const char *protocol);

/* The letters at this size, with k dead leaders. */
typedef struct cost_terms {
    double n, f, q, b, k;
} cost_terms_t;
cost_terms_t cost_terms_of(uint32_t members, uint32_t dead);
/* False: it is no formula. */
bool cost_value(const char *formula, const cost_terms_t *terms, double *value);

#endif
