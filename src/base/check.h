/* Assertions about ourselves: preconditions, postconditions, invariants. They stay on in release
 * builds. Data of a peer, a client, a disk or an operator is never asserted: it is judged. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

/* Reports and aborts. Writes one line to standard error, nothing else. */
_Noreturn void check_failed(const char *kind, const char *condition, const char *file, int line,
                            const char *function);

/* The text comes from the outer macro, before the names inside of the condition are replaced. */
#define CHECK_KIND(kind, text, condition)                                                          \
    ((condition) ? (void)0 : check_failed(kind, text, __FILE__, __LINE__, __func__))

/* What the caller owes. */
#define require(condition) CHECK_KIND("require", #condition, condition)
/* What we owe the caller. */
#define ensure(condition) CHECK_KIND("ensure", #condition, condition)
/* What always holds in between. */
#define invariant(condition) CHECK_KIND("invariant", #condition, condition)

#endif
