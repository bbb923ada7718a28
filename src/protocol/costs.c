/* See costs.h. How the rows of the HotStuff family come about. A message has 79 bytes with the
 * header of its frame, 40 more a claim, 64 for a signature, and what it carries; a block with one
 * parent 196. With r rounds of proposal and vote until final (two, or three for three chains):
 *   proposal     block and QC, and after dead leaders the TC in the first: to all others
 *   vote         every live member but the collector sends one a round
 *   time-out     QC: every live member to all others, once for each dead leader
 *   status       the same, when half of the time-out has passed
 *   certificate  the last QC to all, so that they deliver; in two phases every live member also
 *                sends QC and TC to each leader that follows a dead one
 * Basic HotStuff sends what its page lists: one proposal, three votes of every live member but the
 * leader, three certificates to all; proposal and last certificate carry two of them.
 * A QC has 69 + b bytes, 40 a claim and 64 a signature; a TC the same, and a claim with each
 * signature in place of common ones. */
#include "protocol/costs.h"

#include <string.h>

static const costs_t table[] = {
    {.protocol = "hotstuff",
     .certificate = "109+b+64q",
     .apart = "2",
     .cases = {[COST_LOADED] = {.timeouts = "0",
                                .first = "4",
                                .all = "5",
                                .messages = "2(n-1)",
                                .made = "n+1",
                                .carried = "(n-1)(q+2)",
                                .checked = "(n-1)(q+2)-(q-1)",
                                .bytes = "(n-1)(631+b+64q)"},
               [COST_ALONE] = {.timeouts = "0",
                               .first = "4",
                               .all = "5",
                               .messages = "5(n-1)",
                               .made = "2(n+1)",
                               .carried = "(n-1)(3q+4)",
                               .checked = "2((n-1)(q+2)-(q-1))",
                               .bytes = "(n-1)(1450+3b+192q)"},
               [COST_FAILED] = {.timeouts = "2^k-1",
                                .first = "4+k",
                                .all = "5+k",
                                .messages = "3(n-1)+2(n-k-1)+2k(n-k)(n-1)",
                                .made = "2(n-k+1)+k(n-k)",
                                .carried = "(n-1)(4q+2)+2(n-k-1)+k(n-k)(n-1)(q+1)",
                                .checked = "k(n-k)(n-k-1)+2((n-k-1)(q+2)-(q-1))",
                                .bytes = "(n-1)(1153+4b+296q)+366(n-k-1)"
                                         "+k(n-k)(n-1)(411+b+64q)"}}},
    {.protocol = "hotstuff-chained",
     .certificate = "149+b+64q",
     .apart = "2",
     .cases = {[COST_LOADED] = {.timeouts = "0",
                                .first = "6",
                                .all = "7",
                                .messages = "2(n-1)",
                                .made = "n+1",
                                .carried = "(n-1)(q+2)",
                                .checked = "(n-1)(q+2)-(q-1)",
                                .bytes = "(n-1)(711+b+64q)"},
               [COST_ALONE] = {.timeouts = "0",
                               .first = "6",
                               .all = "7",
                               .messages = "7(n-1)",
                               .made = "3(n+1)",
                               .carried = "(n-1)(4q+6)",
                               .checked = "3((n-1)(q+2)-(q-1))",
                               .bytes = "(n-1)(2361+4b+256q)"},
               [COST_FAILED] = {.timeouts = "2^k-1",
                                .first = "6+k",
                                .all = "7+k",
                                .messages = "4(n-1)+3(n-k-1)+2k(n-k)(n-1)",
                                .made = "3(n-k+1)+k(n-k)",
                                .carried = "(n-1)(5q+3)+3(n-k-1)+k(n-k)(n-1)(q+1)",
                                .checked = "k(n-k)(n-k-1)+3((n-k-1)(q+2)-(q-1))",
                                .bytes = "(n-1)(1761+5b+360q)+669(n-k-1)"
                                         "+k(n-k)(n-1)(451+b+64q)"}}},
    {.protocol = "hotstuff-2",
     .certificate = "109+b+64q",
     .apart = "2",
     .cases = {[COST_LOADED] = {.timeouts = "0",
                                .first = "4",
                                .all = "5",
                                .messages = "2(n-1)",
                                .made = "n+1",
                                .carried = "(n-1)(q+2)",
                                .checked = "(n-1)(q+2)-(q-1)",
                                .bytes = "(n-1)(631+b+64q)"},
               [COST_ALONE] = {.timeouts = "0",
                               .first = "4",
                               .all = "5",
                               .messages = "5(n-1)",
                               .made = "2(n+1)",
                               .carried = "(n-1)(3q+4)",
                               .checked = "2((n-1)(q+2)-(q-1))",
                               .bytes = "(n-1)(1450+3b+192q)"},
               [COST_FAILED] = {.timeouts = "2^k-1+2^k/8",
                                .first = "4+k",
                                .all = "5+k",
                                .messages = "3(n-1)+2(n-k-1)+2k(n-k)(n-1)+k(n-k)-1",
                                .made = "2(n-k+1)+k(n-k)",
                                .carried = "(n-1)(4q+2)+2(n-k-1)+k(n-k)(n-1)(q+1)"
                                           "+2q(k(n-k)-1)",
                                .checked = "k(n-k)(n-k-1)+2((n-k-1)(q+2)-(q-1))",
                                .bytes = "(n-1)(1153+4b+296q)+366(n-k-1)"
                                         "+k(n-k)(n-1)(411+b+64q)"
                                         "+(k(n-k)-1)(257+2b+168q)"}}},
    {.protocol = "hotstuff-basic",
     .certificate = "109+b+64q",
     .apart = "6",
     .cases = {[COST_LOADED] = {.timeouts = "0",
                                .first = "6",
                                .all = "7",
                                .messages = "7(n-1)",
                                .made = "3n+1",
                                .carried = "(n-1)(6q+4)",
                                .checked = "3((n-1)q-(q-1))+4(n-1)",
                                .bytes = "(n-1)(1579+6b+384q)"},
               [COST_ALONE] = {.timeouts = "0",
                               .first = "6",
                               .all = "7",
                               .messages = "7(n-1)",
                               .made = "3n+1",
                               .carried = "(n-1)(6q+4)",
                               .checked = "3((n-1)q-(q-1))+4(n-1)",
                               .bytes = "(n-1)(1579+6b+384q)"},
               [COST_FAILED] = {.timeouts = "2^k-1",
                                .first = "6+k",
                                .all = "7+k",
                                .messages = "4(n-1)+3(n-k-1)+2k(n-k)(n-1)",
                                .made = "3(n-k)+1+k(n-k)",
                                .carried = "(n-1)(6q+1)+3(n-k-1)+k(n-k)(n-1)(q+1)",
                                .checked = "k(n-k)(n-k-1)+3((n-k-1)q-(q-1))+4(n-k-1)",
                                .bytes = "(n-1)(1110+6b+424q)+469(n-k-1)"
                                         "+k(n-k)(n-1)(411+b+64q)"}}},
};

const char *const cost_names[COST_FORMULAS] = {"timeouts", "first",   "all",     "messages",
                                               "made",     "carried", "checked", "bytes"};
const char *const cost_case_names[COST_CASES] = {"loaded", "alone", "failed"};

const char *cost_formula(const cost_t *cost, uint32_t index) {
    const char *const formulas[COST_FORMULAS] = {cost->timeouts, cost->first, cost->all,
                                                 cost->messages, cost->made,  cost->carried,
                                                 cost->checked,  cost->bytes};
    return formulas[index];
}

const costs_t *costs_of(const char *protocol) {
    for (uint32_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(table[i].protocol, protocol) == 0)
            return &table[i];
    return NULL;
}

cost_terms_t cost_terms_of(uint32_t members, uint32_t dead) {
    uint32_t f = (members - 1) / 3;
    return (cost_terms_t){.n = members,
                          .f = f,
                          .q = (members + f + 2) / 2, /* ceil((n+f+1)/2) */
                          .b = (members + 7) / 8,
                          .k = dead};
}

/* ---- formulas ---- */

typedef struct parser {
    const char *at;
    const cost_terms_t *terms;
    uint32_t depth; /* of brackets */
    bool wrong;
} parser_t;

#define DEPTH_MAX 8

static double parse_sum(parser_t *p);

static bool begins_factor(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '(';
}

static double letter_value(parser_t *p) {
    switch (*p->at++) {
    case 'n':
        return p->terms->n;
    case 'f':
        return p->terms->f;
    case 'q':
        return p->terms->q;
    case 'b':
        return p->terms->b;
    case 'k':
        return p->terms->k;
    default:
        p->wrong = true;
        return 0;
    }
}

static double parse_atom(parser_t *p) {
    double value = 0;
    if (*p->at == '(' && p->depth < DEPTH_MAX) {
        p->at++;
        p->depth++;
        value = parse_sum(p);
        p->depth--;
        p->wrong = p->wrong || *p->at != ')';
        p->at += *p->at == ')';
        return value;
    }
    if (*p->at >= 'a' && *p->at <= 'z')
        return letter_value(p);
    p->wrong = p->wrong || *p->at < '0' || *p->at > '9';
    for (; *p->at >= '0' && *p->at <= '9'; p->at++)
        value = 10 * value + (*p->at - '0');
    return value;
}

static double parse_power(parser_t *p) {
    double base = parse_atom(p), value = 1;
    if (*p->at != '^')
        return base;
    p->at++;
    for (double exponent = parse_atom(p); exponent >= 1; exponent--)
        value *= base;
    return value;
}

static double parse_product(parser_t *p) {
    double value = parse_power(p);
    while (!p->wrong && (*p->at == '/' || begins_factor(*p->at))) {
        bool divide = *p->at == '/';
        p->at += divide;
        double factor = parse_power(p);
        value = divide ? value / factor : value * factor;
    }
    return value;
}

static double parse_sum(parser_t *p) {
    double value = parse_product(p);
    while (!p->wrong && (*p->at == '+' || *p->at == '-')) {
        bool minus = *p->at++ == '-';
        double term = parse_product(p);
        value += minus ? -term : term;
    }
    return value;
}

bool cost_value(const char *formula, const cost_terms_t *terms, double *value) {
    parser_t parser = {.at = formula, .terms = terms};
    *value = parse_sum(&parser);
    return !parser.wrong && *parser.at == '\0';
}
