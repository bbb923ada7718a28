/* Who leads when, and the parameters with their defaults. Pure functions of the view: nothing of
 * the state enters, so correct members never differ about a leader (attack H17). */
#include "protocol/hotstuff/state.h"

void hotstuff_defaults(parameters_t *parameters) {
    if (parameters->view_timeout_ns == 0)
        parameters->view_timeout_ns = VIEW_TIMEOUT_DEFAULT_NS;
    if (parameters->request_patience_ns == 0)
        parameters->request_patience_ns = REQUEST_PATIENCE_DEFAULT_NS;
    if (parameters->execution_horizon == 0)
        parameters->execution_horizon = EXECUTION_HORIZON_DEFAULT;
    if (parameters->payload_bytes_max == 0)
        parameters->payload_bytes_max = PAYLOAD_BYTES_DEFAULT;
}

uint64_t leader_views(const env_t *env) {
    return env->parameters->leader_views == 0 ? LEADER_VIEWS_STAY : env->parameters->leader_views;
}

/* HS 1 */
member_t leader_of(const env_t *env, view_t view) {
    require(view > 0);
    return (member_t)((view - 1) / leader_views(env) % env->committee->size);
}

view_t term_end(const env_t *env, view_t view) {
    require(view > 0);
    uint64_t views = leader_views(env);
    uint64_t term = (view - 1) / views;
    /* The last term of all never ends: its number of views would pass 2^64. */
    return term >= UINT64_MAX / views - 1 ? UINT64_MAX : (term + 1) * views;
}

static parameters_t filled(const env_t *env) {
    parameters_t parameters = *env->parameters;
    hotstuff_defaults(&parameters);
    return parameters;
}

uint64_t view_timeout_ns(const env_t *env) {
    return filled(env).view_timeout_ns;
}

uint64_t request_patience_ns(const env_t *env) {
    return filled(env).request_patience_ns;
}

uint64_t execution_horizon(const env_t *env) {
    return filled(env).execution_horizon;
}

uint32_t payload_bytes_max(const env_t *env) {
    return filled(env).payload_bytes_max;
}
