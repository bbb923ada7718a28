/* Flags that say what a new chain should be like: shared by init, testnet, up, demo and bench. */
#ifndef CLI_PLAN_H
#define CLI_PLAN_H

#include "adapter/home.h"
#include "cli/options.h"

typedef struct plan_options {
    const char *protocol, *strategy, *app, *durability;
    uint64_t port; /* 0: not said */
    uint64_t view_timeout_ns, leader_views, payload_bytes;
    metering_t meter; /* no flag: bench sets it */
    bool any_app;     /* no flag: set by those who make homes but do not run them */
} plan_options_t;

/* Adds the flags to `options` from index `at` on, and the end mark; needs room for 9. */
void plan_option_table(plan_options_t *plan, option_t *options, uint32_t at);
/* -1 to go on, or the exit code. */
int plan_from_options(const verb_t *verb, const plan_options_t *plan, home_plan_t *wanted);

#endif
