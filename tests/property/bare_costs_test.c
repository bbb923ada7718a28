/* The formulas of src/protocol/costs.c against what bare cores do in a world without chance: every
 * message, authenticator and byte is counted, and each number must be exactly what the formula
 * says, for every protocol that has a row, committees of every kind up to thirteen, and every
 * number of dead leaders up to f. A protocol that sends one message too many fails here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/frame.h"
#include "codec/message_codec.h"
#include "protocol/costs.h"
#include "protocol/registry.h"
#include "sim/bare.h"

#define DELAY_NS UINT64_C(1000000)     /* of the quiet world */
#define TIMEOUT_NS UINT64_C(100000000) /* long enough that no delay comes near it */
#define LIMIT_NS UINT64_C(100000000000)
#define KNOWN (1u << 14)
#define BLOCKS 10

/* In the order of cost_t; times in ns. */
typedef struct counted {
    uint64_t first_ns, all_ns, messages, made, carried, checked, bytes, certificate_bytes;
} counted_t;

typedef struct watch {
    bare_t *world;
    const protocol_t *protocol;
    counted_t counted;
    uint64_t known[BARE_MEMBERS_MAX][KNOWN]; /* signatures that a member made or checked */
} watch_t;

/* True when the member sees it for the first time. */
static bool learn(watch_t *w, member_t member, member_t author, const statement_t *statement) {
    uint8_t bytes[STATEMENT_BYTES];
    uint64_t hash = UINT64_C(1469598103934665603) + author;
    statement_encode(statement, &bare_committee(w->world)->domain, bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    hash |= 1;
    for (uint32_t at = hash % KNOWN;; at = (at + 1) % KNOWN) {
        if (w->known[member][at] == hash)
            return false;
        if (w->known[member][at] == 0) {
            w->known[member][at] = hash;
            return true;
        }
    }
}

static void see_certificate(watch_t *w, const bare_letter_t *letter,
                            const certificate_t *certificate) {
    uint32_t index = 0;
    w->counted.carried += certificate->signers;
    if (w->protocol->phases[letter->phase].body == BODY_PROPOSAL && certificate->signers > 0 &&
        certificate == letter->message->certificates[0])
        w->counted.certificate_bytes = certificate_encoded_bytes(certificate);
    for (member_t m = 0; m < certificate->members; m++) {
        if (!certificate_has(certificate, m))
            continue;
        statement_t statement = certificate_statement_of(certificate, index++);
        if (bare_up(w->world, letter->to))
            w->counted.checked += learn(w, letter->to, m, &statement);
    }
}

static bare_fate_t see(void *context, const bare_letter_t *letter) {
    watch_t *w = context;
    const message_t *message = letter->message;
    w->counted.messages++;
    w->counted.bytes += FRAME_HEADER_BYTES + message_encoded_bytes(message);
    if (w->protocol->phases[letter->phase].authentication == AUTH_SIGNATURE) {
        w->counted.carried++;
        (void)learn(w, letter->from, message->author, &message->statement);
        if (bare_up(w->world, letter->to))
            w->counted.checked += learn(w, letter->to, message->author, &message->statement);
    }
    for (uint32_t i = 0; i < MESSAGE_CERTIFICATES_MAX; i++)
        if (message->certificates[i] != NULL)
            see_certificate(w, letter, message->certificates[i]);
    return FATE_DELIVER;
}

static void open_world(watch_t *w, const protocol_t *protocol, uint32_t members) {
    bare_options_t options = bare_options_quiet(members);
    memset(w, 0, sizeof *w);
    options.protocol = protocol->name;
    options.sync_min_ns = options.sync_max_ns = 0;
    options.batch_max = 1;
    options.parameters.view_timeout_ns = TIMEOUT_NS;
    options.parameters.request_patience_ns = 8 * TIMEOUT_NS;
    w->protocol = protocol;
    w->world = bare_open(&options);
    assert_non_null(w->world);
    bare_filter(w->world, see, w);
}

/* From here on it counts, until `request` is final at all that live and everybody rests. */
static counted_t count(watch_t *w, uint32_t members, uint32_t dead, uint32_t requests) {
    uint64_t begin = bare_now_ns(w->world), made = bare_report(w->world)->signatures;
    uint32_t request = 0, final = 0;
    w->counted = (counted_t){0};
    for (uint32_t i = 0; i < requests; i++)
        request = bare_request(w->world, BARE_ALL);
    while (final < members - dead && bare_step(w->world)) {
        final = 0;
        for (member_t m = dead; m < members; m++)
            final += bare_delivered(w->world, m, request);
        if (final > 0 && w->counted.first_ns == 0)
            w->counted.first_ns = bare_now_ns(w->world) - begin;
    }
    w->counted.all_ns = bare_now_ns(w->world) - begin;
    assert_true(bare_finish(w->world, LIMIT_NS));
    w->counted.made = bare_report(w->world)->signatures - made;
    if (bare_report(w->world)->violated != ORACLE_NONE)
        fail_msg("%s", bare_report(w->world)->text);
    return w->counted;
}

typedef struct at {
    const char *protocol, *where;
    cost_terms_t terms;
} at_t;

static double value_of(const at_t *at, const char *formula) {
    double value;
    if (!cost_value(formula, &at->terms, &value))
        fail_msg("%s: %s is no formula", at->protocol, formula);
    return value;
}

static uint32_t compare(const at_t *at, const char *what, const char *formula, double counted) {
    double expected = value_of(at, formula);
    if (expected == counted)
        return 0;
    printf("%s, %s, n=%.0f k=%.0f: %s = %s is %.3f, counted %.3f\n", at->protocol, at->where,
           at->terms.n, at->terms.k, what, formula, expected, counted);
    return 1;
}

/* `blocks` were counted together. */
static uint32_t compare_all(const at_t *at, const cost_t *cost, const counted_t *c,
                            uint32_t blocks) {
    double waited = value_of(at, cost->timeouts) * (double)TIMEOUT_NS;
    return compare(at, "first", cost->first, ((double)c->first_ns - waited) / (double)DELAY_NS) +
           compare(at, "all", cost->all, ((double)c->all_ns - waited) / (double)DELAY_NS) +
           compare(at, "messages", cost->messages, (double)c->messages / blocks) +
           compare(at, "made", cost->made, (double)c->made / blocks) +
           compare(at, "carried", cost->carried, (double)c->carried / blocks) +
           compare(at, "checked", cost->checked, (double)c->checked / blocks) +
           compare(at, "bytes", cost->bytes, (double)c->bytes / blocks);
}

static watch_t watch;

/* Twice as many blocks less as many: what begins and ends the load falls out. */
static uint32_t under_load(const protocol_t *protocol, const costs_t *costs, uint32_t members) {
    at_t at = {protocol->name, cost_case_names[COST_LOADED], cost_terms_of(members, 0)};
    counted_t c[2];
    for (uint32_t i = 0; i < 2; i++) {
        open_world(&watch, protocol, members);
        c[i] = count(&watch, members, 0, (i + 1) * BLOCKS);
        bare_close(watch.world);
    }
    uint64_t apart_ns = (uint64_t)value_of(&at, costs->apart) * DELAY_NS;
    uint32_t wrong =
        compare(&at, "apart", costs->apart,
                (double)(c[1].all_ns - c[0].all_ns) / BLOCKS / (double)DELAY_NS) +
        compare(&at, "certificate", costs->certificate, (double)c[0].certificate_bytes);
    c[1].first_ns -= (2 * BLOCKS - 1) * apart_ns;
    c[1].all_ns -= (2 * BLOCKS - 1) * apart_ns;
    c[1].messages -= c[0].messages;
    c[1].made -= c[0].made;
    c[1].carried -= c[0].carried;
    c[1].checked -= c[0].checked;
    c[1].bytes -= c[0].bytes;
    return wrong + compare_all(&at, &costs->cases[COST_LOADED], &c[1], BLOCKS);
}

/* After a first request, so that it is not the genesis certificate that is carried. */
static uint32_t one_request(const protocol_t *protocol, const costs_t *costs, uint32_t members,
                            uint32_t dead) {
    cost_case_t where = dead == 0 ? COST_ALONE : COST_FAILED;
    at_t at = {protocol->name, cost_case_names[where], cost_terms_of(members, dead)};
    open_world(&watch, protocol, members);
    (void)count(&watch, members, 0, 1);
    for (member_t m = 0; m < dead; m++)
        bare_crash(watch.world, m);
    counted_t c = count(&watch, members, dead, 1);
    bare_close(watch.world);
    return compare_all(&at, &costs->cases[where], &c, 1);
}

static void formulas_are_exact(void **state) {
    (void)state;
    static const uint32_t sizes[] = {4, 5, 6, 7, 8, 9, 10, 13};
    uint32_t wrong = 0;
    for (const protocol_t *const *at = protocol_all(); *at != NULL; at++) {
        const costs_t *costs = costs_of((*at)->name);
        if ((*at)->unsafe != NULL)
            continue;
        if (costs == NULL)
            fail_msg("nobody has written down what %s costs", (*at)->name);
        for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            wrong += under_load(*at, costs, sizes[i]);
            for (uint32_t dead = 0; dead <= (sizes[i] - 1) / 3; dead++)
                wrong += one_request(*at, costs, sizes[i], dead);
        }
    }
    assert_int_equal(wrong, 0);
}

static void formulas_are_read(void **state) {
    (void)state;
    cost_terms_t terms = {.n = 7, .f = 2, .q = 5, .b = 1, .k = 2};
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},
                {"2(n-1)", 12},
                {"(n-1)(q+2)-(q-1)", 38},
                {"2^k-1+2^k/8", 3.5},
                {"10nf", 140},
                {"k(n-k)(n-1)", 60},
                {"2-3-4", -5},
                {"12/2/3", 2},
                {"n^2", 49},
                {"(n)", 7},
                {"3b+64q", 323}};
    static const char *const wrong[] = {"",  "(",   "n-", "x",  "(n", "n)",
                                        "+", "2 n", "n^", "/2", "N"};
    double value;
    for (uint32_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(cost_value(good[i].text, &terms, &value));
        assert_true(value == good[i].value);
    }
    for (uint32_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (cost_value(wrong[i], &terms, &value))
            fail_msg("\"%s\" was taken for a formula", wrong[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(formulas_are_exact),
                                       cmocka_unit_test(formulas_are_read)};
    return cmocka_run_group_tests_name("what protocols cost", tests, NULL, NULL);
}
