/* The configuration of one node, in the file `config` of its home (docs/formats/home.md): what may
 * differ from node to node. What consensus depends on is in the genesis only. */
#ifndef ADAPTER_SETTINGS_H
#define ADAPTER_SETTINGS_H

#include "adapter/address.h"
#include "adapter/files.h"

typedef enum durability {
    DURABILITY_GROUP = 0, /* fdatasync before anything that was promised leaves */
    DURABILITY_NONE = 1   /* unsafe: a power cut can make this node break its promises */
} durability_t;

/* What a node counts into the file `meter` of its home (adapter/meter.h). */
typedef enum metering { METER_NOTHING = 0, METER_BYTES = 1, METER_STAGES = 2 } metering_t;

typedef struct settings {
    address_t listen;
    uint64_t clients_max;
    uint64_t client_memory_mib; /* that all clients together may make us hold */
    uint64_t dial_min_ms, dial_max_ms;
    uint64_t handshake_timeout_ms, frame_timeout_ms, ping_interval_ms, idle_timeout_ms;
    address_t http_listen;    /* no host: there is no HTTP API */
    uint64_t http_submit;     /* 0 no, 1 yes */
    char data[FILE_PATH_MAX]; /* folder, relative to the home */
    uint64_t journal_segments, journal_segment_kib;
    uint64_t snapshot_kib; /* of journal between two snapshots; 0: an eighth of it */
    uint64_t durability;   /* durability_t */
    uint64_t mempool_mib;
    uint64_t workers;
    uint64_t core_dumps;          /* 0 no, 1 yes */
    uint64_t meter;               /* metering_t */
    uint64_t log_level;           /* 0 error to 3 detail */
    uint64_t log_json;            /* 0 text, 1 JSON */
    char log_file[FILE_PATH_MAX]; /* relative to the home; empty: standard error */
} settings_t;

void settings_default(settings_t *settings);
/* BAD_CONFIG names file and line, the key, and what is possible. */
synod_status settings_parse(const char *name, const char *text, size_t size, settings_t *settings,
                            reason_t *reason);
synod_status settings_read(const char *path, settings_t *settings, reason_t *reason);
/* With a comment at each key; IN_USE when the file exists. */
synod_status settings_write(const char *path, const settings_t *settings, reason_t *reason);

/* The word of a level, as in the file and on the command line: "error", "warning", ... NULL when
 * there is none such. */
const char *settings_level_name(uint64_t level);
/* False when it is no level. */
bool settings_level_parse(const char *word, uint64_t *level);

#endif
