/* Judgement of what a member promised, by its durable record and by what it said before; for every
 * protocol that tells what its records promise and what its statements need. Both worlds use it. */
#ifndef SIM_PROMISES_H
#define SIM_PROMISES_H

#include "protocol/protocol.h"

const char *promise_name(promise_kind_t promise);
/* The first one that does not reach what is wanted; PROMISE_COUNT: all do. */
promise_kind_t promises_short(const promised_t *kept, const promised_t *wanted);
/* `said`: what everything that left this member needed. Says something new: how it breaks that, or
 * NULL, and adds what it needs itself. */
const char *promises_say(promised_t *said, const phase_t *phase, const statement_t *statement,
                         const promised_t *needed);

#endif
