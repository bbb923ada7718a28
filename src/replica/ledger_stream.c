/* The ledger as one stream, and back (docs/formats/sessions.md, "Snapshot stream"). */
#include "base/check.h"
#include "replica/ledger_state.h"

/* ---- saving ---- */

static bool copy_saved(void *context, synod_bytes bytes) {
    ledger_t *ledger = context;
    memcpy(ledger->saved + ledger->saved_bytes, bytes.data, bytes.size);
    ledger->saved_bytes += bytes.size;
    return true;
}

void ledger_save_begin(ledger_t *ledger) {
    require(!ledger->loading && !ledger->saving);
    session_limits_t limits = ledger_limits(&ledger->parameters);
    synod_writer writer = {copy_saved, ledger, session_stream_bytes_max(&limits)};
    ledger->saving = true;
    ledger->saved_bytes = ledger->saved_at = 0;
    synod_status status = session_table_save(&ledger->table, &writer);
    ensure(status == SYNOD_OK && ledger->saved_bytes <= writer.limit_bytes);
    ledger->app.snapshot_begin(ledger->state);
}

synod_status ledger_save_next(ledger_t *ledger, synod_writer *writer, bool *more) {
    require(ledger->saving);
    size_t left = ledger->saved_bytes - ledger->saved_at;
    if (left == 0) {
        return ledger->app.snapshot_next(ledger->state, writer, more);
    }
    size_t size = left < writer->limit_bytes ? left : writer->limit_bytes;
    *more = true;
    if (!writer->put(writer->context, bytes_of(ledger->saved + ledger->saved_at, size))) {
        return SYNOD_TOO_LARGE;
    }
    ledger->saved_at += size;
    return SYNOD_OK;
}

void ledger_save_end(ledger_t *ledger) {
    if (ledger->saving) {
        ledger->app.snapshot_end(ledger->state);
    }
    ledger->saving = false;
}

/* ---- loading ---- */

/* A fresh application first, so that a failure anywhere in the sessions leaves it as after open. */
synod_status ledger_empty(ledger_t *ledger) {
    require(!ledger->saving);
    void *fresh = NULL;
    synod_status status = ledger_open_state(ledger, &fresh);
    if (status != SYNOD_OK) {
        return status;
    }
    ledger->app.close(ledger->state);
    ledger->state = fresh;
    session_table_clear(&ledger->table);
    ledger->loading = false;
    return SYNOD_OK;
}

static synod_status load_begin(ledger_t *ledger) {
    synod_status status = ledger_empty(ledger);
    if (status == SYNOD_OK) {
        session_load_begin(&ledger->loader, &ledger->table, &ledger->verifier);
        ledger->loading = true;
    }
    return status;
}

static synod_status load_piece(ledger_t *ledger, bytes_t piece) {
    bool last = piece.size == 0;
    synod_status status = session_load(&ledger->loader, &piece);
    if (status != SYNOD_OK) {
        return status;
    }
    if (last && ledger->loader.stage != SESSION_LOAD_DONE) {
        return SYNOD_TRUNCATED;
    }
    return last || piece.size > 0 ? ledger->app.snapshot_load(ledger->state, piece) : SYNOD_OK;
}

synod_status ledger_load(ledger_t *ledger, bytes_t piece) {
    synod_status status = ledger->loading ? SYNOD_OK : load_begin(ledger);
    if (status != SYNOD_OK) {
        return status;
    }
    bool last = piece.size == 0;
    status = load_piece(ledger, piece);
    if (status != SYNOD_OK) {
        session_table_clear(&ledger->table);
    }
    ledger->loading = status == SYNOD_OK && !last;
    return status;
}
