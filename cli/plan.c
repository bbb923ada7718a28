/* See plan.h. */
#include "cli/plan.h"

#include <string.h>

#include "protocol/registry.h"

void plan_option_table(plan_options_t *plan, option_t *options, uint32_t at) {
    *plan = (plan_options_t){
        .protocol = PROTOCOL_DEFAULT, .strategy = "inline", .app = "kv", .durability = "group"};
    const option_t table[] = {
        {"protocol", OPTION_TEXT, &plan->protocol, "NAME", "see `synod protocols`"},
        {"app", OPTION_TEXT, &plan->app, "NAME", "kv or null (default kv)"},
        {"port", OPTION_NUMBER, &plan->port, "PORT",
         "of the first node (default 7100, or the next free)"},
        {"view-timeout", OPTION_DURATION, &plan->view_timeout_ns, "TIME",
         "patience with a leader (default 500ms)"},
        {"leader-views", OPTION_NUMBER, &plan->leader_views, "K",
         "rotate the leader every K views (default 0: it stays while it works)"},
        {"payload", OPTION_SIZE, &plan->payload_bytes, "BYTES", "largest block (default 1M)"},
        {"strategy", OPTION_TEXT, &plan->strategy, "NAME",
         "inline: the leader sends all bytes; certified: each member its clients' (default "
         "inline)"},
        {"durability", OPTION_TEXT, &plan->durability, "HOW",
         "group (fsync) or none (UNSAFE, for measurements)"},
        {0}};
    memcpy(&options[at], table, sizeof table);
}

int plan_from_options(const verb_t *verb, const plan_options_t *plan, home_plan_t *wanted) {
    home_plan_default(wanted);
    if (protocol_find(plan->protocol) == NULL)
        return usage_error(verb, "--protocol: there is no \"%s\"; `synod protocols` lists them",
                           plan->protocol);
    if (!plan->any_app && synod_app_find(plan->app) == NULL)
        return usage_error(verb, "--app: there is no \"%s\"; kv and null are built in", plan->app);
    if (plan->port > 65000)
        return usage_error(verb, "--port: from 1 to 65000");
    if (plan->payload_bytes > 2u << 20)
        return usage_error(verb, "--payload: at most 2M, so that a block fits into a frame");
    uint32_t strategy = payload_find(plan->strategy);
    if (strategy == 0)
        return usage_error(verb, "--strategy: inline or certified");
    if (strategy == PAYLOAD_CERTIFIED && plan->payload_bytes > PAYLOAD_CERTIFIED_BYTES_MAX)
        return usage_error(verb, "--payload: at most 1M with --strategy certified");
    if (strcmp(plan->durability, "group") != 0 && strcmp(plan->durability, "none") != 0)
        return usage_error(verb, "--durability: group or none");
    wanted->protocol = plan->protocol;
    wanted->parameters.payload = strategy;
    wanted->app = plan->app;
    if (plan->port != 0)
        wanted->port = (uint16_t)plan->port;
    wanted->parameters.core.view_timeout_ns = plan->view_timeout_ns;
    wanted->parameters.core.leader_views = plan->leader_views;
    wanted->parameters.core.payload_bytes_max = (uint32_t)plan->payload_bytes;
    wanted->http = true;
    wanted->settings.meter = plan->meter;
    wanted->settings.durability =
        strcmp(plan->durability, "none") == 0 ? DURABILITY_NONE : DURABILITY_GROUP;
    return -1;
}
