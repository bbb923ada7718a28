/* The genesis: judgement, canonical form, the names of the chain. */
#include "adapter/genesis.h"

#include <inttypes.h>
#include <stdlib.h>

#include "adapter/genesis_table.h"
#include "base/check.h"
#include "crypto/hash.h"
#include "protocol/registry.h"

#define SECOND_NS UINT64_C(1000000000)

/* ---- rows ---- */

#define ROW(row_name, field, row_low, row_high, must_be_power)                                     \
    {                                                                                              \
        row_name, offsetof(chain_parameters_t, field), sizeof(((chain_parameters_t *)0)->field),   \
            row_low, row_high, must_be_power                                                       \
    }

/* In the order of the canonical form, which never changes; a new parameter comes last and raises
 * the version. 0 is always allowed and means the default. */
const genesis_row_t genesis_rows[] = {
    ROW("view_timeout_ns", core.view_timeout_ns, 1000000, 3600 * SECOND_NS, false),
    ROW("request_patience_ns", core.request_patience_ns, 1000000, 86400 * SECOND_NS, false),
    ROW("leader_views", core.leader_views, 1, UINT64_C(1) << 53, false),
    ROW("execution_horizon", core.execution_horizon, 1, 1u << 20, false),
    /* A proposal with its certificates has to fit into a frame of 4 MiB. */
    ROW("payload_bytes_max", core.payload_bytes_max, 4096, FRAME_BODY_MAX >> 1, false),
    ROW("sessions_max", ledger.sessions_max, 1, LEDGER_SESSIONS_MAX, false),
    ROW("session_window", ledger.session_window, 1, LEDGER_WINDOW_MAX, true),
    ROW("session_reply_bytes", ledger.session_reply_bytes, 1, LEDGER_SESSION_REPLY_BYTES_MAX,
        false),
    ROW("session_idle_ns", ledger.session_idle_ns, 1, UINT64_C(1) << 53, false),
    ROW("reply_bytes_max", ledger.reply_bytes_max, LEDGER_REPLY_BYTES_MIN, LEDGER_REPLY_BYTES_MAX,
        false),
    ROW("checkpoint_blocks", checkpoint_blocks, 1, 1u << 20, false),
    ROW("clock_drift_ns", clock_drift_ns, 1000000, 86400 * SECOND_NS, false),
    ROW("state_bytes_max", ledger.state_bytes_max, 4096, LEDGER_STATE_BYTES_MAX, false),
    ROW(GENESIS_STRATEGY, payload, PAYLOAD_INLINE, PAYLOAD_CERTIFIED, false),
};
const size_t genesis_row_count = sizeof genesis_rows / sizeof genesis_rows[0];

uint64_t genesis_row_get(const genesis_row_t *row, const chain_parameters_t *parameters) {
    const uint8_t *at = (const uint8_t *)parameters + row->offset;
    if (row->width == sizeof(uint64_t)) {
        uint64_t value;
        memcpy(&value, at, sizeof value);
        return value;
    }
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

void genesis_row_set(const genesis_row_t *row, chain_parameters_t *parameters, uint64_t value) {
    uint8_t *at = (uint8_t *)parameters + row->offset;
    if (row->width == sizeof(uint64_t)) {
        memcpy(at, &value, sizeof value);
        return;
    }
    require(value <= UINT32_MAX);
    uint32_t narrow = (uint32_t)value;
    memcpy(at, &narrow, sizeof narrow);
}

bool genesis_name_set(genesis_name_t *name, const char *text) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t length = strlen(text);
    if (length == 0 || length > GENESIS_NAME_MAX || strspn(text, letters) != length) {
        return false;
    }
    memcpy(name->text, text, length + 1);
    return true;
}

/* ---- judgement ---- */

static synod_status judge_parameters(const char *name, const genesis_t *genesis, reason_t *reason) {
    for (size_t at = 0; at < genesis_row_count; at++) {
        const genesis_row_t *row = &genesis_rows[at];
        uint64_t value = genesis_row_get(row, &genesis->parameters);
        if (value != 0 && (value < row->low || value > row->high)) {
            return reason_set(reason, SYNOD_BAD_CONFIG,
                              "%s: parameters.%s is %" PRIu64 ", possible are %" PRIu64
                              " to %" PRIu64 ", or 0 for the default",
                              name, row->name, value, row->low, row->high);
        }
        if (row->power_of_two && (value & (value - 1)) != 0) {
            return reason_set(reason, SYNOD_BAD_CONFIG,
                              "%s: parameters.%s is %" PRIu64 ", which is no power of two", name,
                              row->name, value);
        }
    }
    /* A block goes with its content into one frame (replica/open.c). */
    if (genesis->parameters.payload == PAYLOAD_CERTIFIED &&
        genesis->parameters.core.payload_bytes_max > PAYLOAD_CERTIFIED_BYTES_MAX) {
        return reason_set(reason, SYNOD_BAD_CONFIG,
                          "%s: parameters.payload_bytes_max is %" PRIu32
                          ", with \"" GENESIS_STRATEGY "\": \"certified\" at most %u is possible",
                          name, genesis->parameters.core.payload_bytes_max,
                          PAYLOAD_CERTIFIED_BYTES_MAX);
    }
    return SYNOD_OK;
}

static synod_status judge_protocol(const char *name, genesis_t *genesis, reason_t *reason) {
    const protocol_t *protocol = protocol_find(genesis->protocol.text);
    const char *why = NULL;
    if (protocol == NULL) {
        return reason_set(
            reason, SYNOD_UNSUPPORTED,
            "%s: protocol '%s' is not one of this build (`synod protocols` lists them)", name,
            genesis->protocol.text);
    }
    synod_status status = protocol_judge(protocol, &why);
    if (status != SYNOD_OK) {
        return reason_set(reason, status, "%s: protocol '%s' cannot run here: %s", name,
                          genesis->protocol.text, why);
    }
    genesis->protocol_id = protocol->id;
    return SYNOD_OK;
}

typedef int member_order_fn(const void *a, const void *b);

static const genesis_member_t *member_at(const void *entry) {
    return *(const genesis_member_t *const *)entry;
}
static int order_names(const void *a, const void *b) {
    return strcmp(member_at(a)->name.text, member_at(b)->name.text);
}
static int order_addresses(const void *a, const void *b) {
    return address_compare(&member_at(a)->address, &member_at(b)->address);
}
static int order_tls_keys(const void *a, const void *b) {
    return memcmp(member_at(a)->tls_key.bytes, member_at(b)->tls_key.bytes, TLS_KEY_BYTES);
}

/* Two members with one name, address or TLS key: sorting puts them side by side. */
static synod_status judge_unique(const char *name, const genesis_t *genesis, const char *what,
                                 member_order_fn *order, reason_t *reason) {
    const genesis_member_t **list = malloc(genesis->member_count * sizeof *list);
    if (list == NULL) {
        return reason_set(reason, SYNOD_NO_MEMORY, "%s: no memory to compare the members", name);
    }
    for (uint32_t index = 0; index < genesis->member_count; index++) {
        list[index] = &genesis->members[index];
    }
    qsort(list, genesis->member_count, sizeof *list, order);
    synod_status status = SYNOD_OK;
    for (uint32_t index = 1; index < genesis->member_count && status == SYNOD_OK; index++) {
        if (order(&list[index - 1], &list[index]) == 0) {
            status = reason_set(
                reason, SYNOD_DUPLICATE, "%s: members[%td] and members[%td] have the same %s", name,
                list[index - 1] - genesis->members, list[index] - genesis->members, what);
        }
    }
    free(list);
    return status;
}

static synod_status judge_tls_keys(const char *name, const genesis_t *genesis, reason_t *reason) {
    for (uint32_t index = 0; index < genesis->member_count; index++) {
        if (tls_key_judge(&genesis->members[index].tls_key) != SYNOD_OK) {
            return reason_set(reason, SYNOD_BAD_KEY,
                              "%s: members[%" PRIu32 "].tls_key is no point of the curve P-256",
                              name, index);
        }
    }
    return judge_unique(name, genesis, "tls_key", order_tls_keys, reason);
}

static void fill_infos(const genesis_t *genesis, member_info_t *infos) {
    for (uint32_t index = 0; index < genesis->member_count; index++) {
        infos[index] = (member_info_t){.key = genesis->members[index].key,
                                       .weight = genesis->members[index].weight};
    }
}

/* Keys and weights are judged where every committee is judged; here only the sentence is found. */
static synod_status judge_committee(const char *name, const genesis_t *genesis, reason_t *reason) {
    member_info_t *infos = malloc(genesis->member_count * sizeof *infos);
    if (infos == NULL) {
        return reason_set(reason, SYNOD_NO_MEMORY, "%s: no memory for the members", name);
    }
    fill_infos(genesis, infos);
    verifier_t verifier = verifier_ed25519();
    committee_t committee;
    member_t culprit = MEMBER_NONE;
    digest_t none = {{0}};
    synod_status status =
        committee_make(&committee, &none, 0, infos, genesis->member_count, &verifier, &culprit);
    free(infos);
    const char *what = status == SYNOD_BAD_KEY
                           ? "key is not canonical or of small order: nobody can be told by it"
                       : status == SYNOD_DUPLICATE ? "key is that of another member too"
                                                   : "weight is 0, or all weights together are "
                                                     "above 4294967295";
    if (status != SYNOD_OK) {
        return reason_set(reason, status, "%s: members[%" PRIu32 "].%s", name, culprit, what);
    }
    return SYNOD_OK;
}

static synod_status judge_members(const char *name, const genesis_t *genesis, reason_t *reason) {
    if (genesis->member_count == 0 || genesis->member_count > MEMBERS_MAX) {
        return reason_set(reason, SYNOD_BAD_CONFIG, "%s: %" PRIu32 " members, 1 to %d are possible",
                          name, genesis->member_count, MEMBERS_MAX);
    }
    synod_status status = judge_committee(name, genesis, reason);
    if (status == SYNOD_OK) {
        status = judge_tls_keys(name, genesis, reason);
    }
    if (status == SYNOD_OK) {
        status = judge_unique(name, genesis, "name", order_names, reason);
    }
    if (status == SYNOD_OK) {
        status = judge_unique(name, genesis, "address", order_addresses, reason);
    }
    return status;
}

/* ---- canonical form and names ---- */

static size_t encoded_bytes(const genesis_t *genesis) {
    size_t size = 16 + 4 + strlen(genesis->chain.text) + 4 + 4 + strlen(genesis->app.text) + 8 +
                  8 * genesis_row_count + 4;
    for (uint32_t index = 0; index < genesis->member_count; index++) {
        size += 4 + strlen(genesis->members[index].name.text) + SYNOD_KEY_BYTES + TLS_KEY_BYTES + 8;
    }
    return size;
}

static void write_name(writer_t *writer, const genesis_name_t *name) {
    size_t length = strlen(name->text);
    write_u32(writer, (uint32_t)length);
    write_bytes(writer, name->text, length);
}

uint8_t *genesis_encode(const genesis_t *genesis, size_t *size) {
    *size = encoded_bytes(genesis);
    uint8_t *bytes = malloc(*size);
    if (bytes == NULL) {
        return NULL;
    }
    writer_t writer = writer_of(bytes, *size);
    write_bytes(&writer, "synod.genesis.v3", 16);
    write_name(&writer, &genesis->chain);
    write_u32(&writer, genesis->protocol_id);
    write_name(&writer, &genesis->app);
    write_u64(&writer, genesis->time_ns);
    for (size_t row = 0; row < genesis_row_count; row++) {
        write_u64(&writer, genesis_row_get(&genesis_rows[row], &genesis->parameters));
    }
    write_u32(&writer, genesis->member_count);
    for (uint32_t index = 0; index < genesis->member_count; index++) {
        const genesis_member_t *member = &genesis->members[index];
        write_name(&writer, &member->name);
        write_bytes(&writer, member->key.bytes, sizeof member->key.bytes);
        write_bytes(&writer, member->tls_key.bytes, TLS_KEY_BYTES);
        write_u64(&writer, member->weight);
    }
    ensure(!writer.failed && writer.at == *size);
    return bytes;
}

static synod_status derive(const char *name, genesis_t *genesis, reason_t *reason) {
    static const char tag[16] = "synod.anchor.v1"; /* with its zero */
    size_t size = 0;
    uint8_t *bytes = genesis_encode(genesis, &size);
    if (bytes == NULL) {
        return reason_set(reason, SYNOD_NO_MEMORY, "%s: no memory for its canonical form", name);
    }
    genesis->domain = hash_bytes(bytes_of(bytes, size));
    bytes_t parts[] = {bytes_of(tag, sizeof tag),
                       bytes_of(genesis->domain.bytes, sizeof genesis->domain.bytes)};
    genesis->anchor = hash_parts(parts, 2);
    free(bytes);
    return SYNOD_OK;
}

synod_status genesis_judge(const char *name, genesis_t *genesis, reason_t *reason) {
    synod_status status = judge_protocol(name, genesis, reason);
    if (status == SYNOD_OK) {
        status = judge_parameters(name, genesis, reason);
    }
    if (status == SYNOD_OK) {
        status = judge_members(name, genesis, reason);
    }
    if (status != SYNOD_OK) {
        return status;
    }
    chain_parameters_fill(&genesis->parameters, protocol_find(genesis->protocol.text));
    return derive(name, genesis, reason);
}

void genesis_committee(const genesis_t *genesis, member_info_t *infos, const verifier_t *verifier,
                       committee_t *committee) {
    member_t culprit = MEMBER_NONE;
    fill_infos(genesis, infos);
    synod_status status = committee_make(committee, &genesis->domain, 0, infos,
                                         genesis->member_count, verifier, &culprit);
    require(status == SYNOD_OK);
}
