/* The inside of a ledger: ledger.c executes and answers, ledger_stream.c saves and loads. */
#ifndef REPLICA_LEDGER_STATE_H
#define REPLICA_LEDGER_STATE_H

#include "replica/ledger.h"
#include "replica/session.h"

struct ledger {
    digest_t session_root;       /* of the last root */
    digest_t rooting[2];         /* committee and order state of the root that was begun */
    digest_t rooted_application; /* whose application does it at once */
    ledger_parameters_t parameters;
    synod_app app;
    void *state;
    verifier_t verifier;
    session_table_t table;
    session_loader_t loader;
    bool loading, saving;
    /* sessions as they were when saving began */
    uint8_t *saved;
    size_t saved_bytes, saved_at;
};

static inline session_limits_t ledger_limits(const ledger_parameters_t *parameters) {
    return (session_limits_t){.sessions_max = parameters->sessions_max,
                              .window = parameters->session_window,
                              .reply_bytes = parameters->session_reply_bytes,
                              .idle_ns = parameters->session_idle_ns};
}

/* An empty state of the application, bounded as the chain says. */
synod_status ledger_open_state(const ledger_t *ledger, void **state);

#endif
