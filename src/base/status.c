/* Texts of the stable statuses, indexed by number. tests/unit/base_status_test.c holds the list
 * against include/synod/types.h. */
#include <synod/types.h>

static const char *const texts[] = {
    [SYNOD_OK] = "ok",
    [SYNOD_BUSY] = "busy, send it again later",
    [SYNOD_EXPIRED] = "session expired",
    [SYNOD_UNKNOWN] = "no answer in time, outcome unknown",
    [SYNOD_INVALID] = "invalid request",
    [SYNOD_APP_ERROR] = "refused by the application",
    [SYNOD_TRUNCATED] = "truncated",
    [SYNOD_MALFORMED] = "malformed",
    [SYNOD_TOO_LARGE] = "too large",
    [SYNOD_BAD_CHECKSUM] = "bad checksum",
    [SYNOD_BAD_VERSION] = "unknown version",
    [SYNOD_BAD_SIGNATURE] = "bad signature",
    [SYNOD_BAD_KEY] = "bad key",
    [SYNOD_WRONG_CHAIN] = "wrong chain",
    [SYNOD_WRONG_EPOCH] = "wrong epoch",
    [SYNOD_NOT_MEMBER] = "not a member of the committee",
    [SYNOD_DUPLICATE] = "duplicate",
    [SYNOD_NO_QUORUM] = "no quorum",
    [SYNOD_MISMATCH] = "mismatch",
    [SYNOD_STALE] = "stale",
    [SYNOD_UNWANTED] = "unwanted",
    [SYNOD_NO_MEMORY] = "not enough memory given",
    [SYNOD_NO_SPACE] = "no space left on the disk",
    [SYNOD_IO] = "input or output error",
    [SYNOD_CORRUPT] = "durable data is damaged",
    [SYNOD_IN_USE] = "in use by another process",
    [SYNOD_PERMISSION] = "wrong file mode or owner",
    [SYNOD_NOT_FOUND] = "not found",
    [SYNOD_BAD_CONFIG] = "bad configuration",
    [SYNOD_CLOSED] = "closed",
    [SYNOD_UNSUPPORTED] = "not supported by this build",
    [SYNOD_CONFLICT] = "two final facts contradict each other",
};

const char *synod_status_text(synod_status status) {
    size_t index = (size_t)status;
    if (index >= sizeof texts / sizeof texts[0] || texts[index] == NULL) {
        return "status without a name"; /* a number of a newer peer or file */
    }
    return texts[index];
}

const char *synod_version(void) {
    return SYNOD_VERSION;
}
