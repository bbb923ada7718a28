/* genesis.json in and out (docs/formats/home.md).
 *
 * A field that is not known is an error that names it: a misspelt parameter would otherwise
 * silently be its default, and that on some nodes only. So is a field that stands there twice. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "adapter/genesis_table.h"
#include "adapter/hex.h"

#define GENESIS_FILE_MAX ((size_t)8 << 20) /* 10,000 members of up to 700 bytes */
#define WHERE_MAX 96
/* Whole numbers up to here are exact in JSON, where every number is a double. */
#define NUMBER_MAX (UINT64_C(1) << 53)

/* The text that is being read, for sentences. */
typedef struct source {
    const char *name;
    reason_t *reason;
} source_t;

/* ---- fields ---- */

static synod_status refuse(const source_t *source, const char *where, const char *field,
                           const char *what) {
    return reason_set(source->reason, SYNOD_BAD_CONFIG, "%s: %s%s%s %s", source->name, where,
                      where[0] != '\0' ? "." : "", field, what);
}

static bool is_listed(const char *name, const char *const *names) {
    for (; *names != NULL; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

static synod_status check_fields(const source_t *source, const char *where, const cJSON *object,
                                 const char *const *names) {
    if (!cJSON_IsObject(object)) {
        return reason_set(source->reason, SYNOD_BAD_CONFIG, "%s: %s should be an object: { ... }",
                          source->name, where[0] != '\0' ? where : "the whole");
    }
    for (const cJSON *item = object->child; item != NULL; item = item->next) {
        if (!is_listed(item->string, names)) {
            return refuse(source, where, item->string,
                          "is no field that this build knows; is it misspelt?");
        }
        for (const cJSON *other = object->child; other != item; other = other->next) {
            if (strcmp(other->string, item->string) == 0) {
                return refuse(source, where, item->string, "stands there twice");
            }
        }
    }
    return SYNOD_OK;
}

static const cJSON *find(const cJSON *object, const char *field) {
    return cJSON_GetObjectItemCaseSensitive(object, field);
}

static synod_status take_number(const source_t *source, const char *where, const cJSON *object,
                                const char *field, uint64_t *value) {
    const cJSON *item = find(object, field);
    if (item == NULL) {
        return refuse(source, where, field, "is missing");
    }
    double number = cJSON_IsNumber(item) ? item->valuedouble : -1;
    if (!(number >= 0) || number > (double)NUMBER_MAX || floor(number) < number) {
        return refuse(source, where, field, "should be a whole number from 0 to 2^53");
    }
    *value = (uint64_t)number;
    return SYNOD_OK;
}

static synod_status take_text(const source_t *source, const char *where, const cJSON *object,
                              const char *field, const char **text) {
    const cJSON *item = find(object, field);
    if (item == NULL) {
        return refuse(source, where, field, "is missing");
    }
    if (!cJSON_IsString(item)) {
        return refuse(source, where, field, "should be a text in quotes");
    }
    *text = item->valuestring;
    return SYNOD_OK;
}

static synod_status take_name(const source_t *source, const char *where, const cJSON *object,
                              const char *field, genesis_name_t *name) {
    const char *text = NULL;
    synod_status status = take_text(source, where, object, field, &text);
    if (status != SYNOD_OK) {
        return status;
    }
    if (!genesis_name_set(name, text)) {
        return refuse(source, where, field,
                      "should be a name: 1 to 64 letters, digits, dots, hyphens, underscores");
    }
    return SYNOD_OK;
}

static synod_status take_key(const source_t *source, const char *where, const cJSON *object,
                             const char *field, void *bytes, size_t size) {
    const char *text = NULL;
    synod_status status = take_text(source, where, object, field, &text);
    if (status != SYNOD_OK) {
        return status;
    }
    if (strlen(text) != 2 * size || !hex_decode(text, bytes, size)) {
        char what[64];
        (void)snprintf(what, sizeof what, "should be a key: %zu hexadecimal digits", 2 * size);
        return refuse(source, where, field, what);
    }
    return SYNOD_OK;
}

/* ---- parts ---- */

static synod_status take_member(const source_t *source, const char *where, const cJSON *object,
                                genesis_member_t *member) {
    static const char *const names[] = {"name", "address", "key", "tls_key", "weight", NULL};
    const char *address = NULL;
    synod_status status = check_fields(source, where, object, names);
    if (status == SYNOD_OK) {
        status = take_name(source, where, object, "name", &member->name);
    }
    if (status == SYNOD_OK) {
        status = take_text(source, where, object, "address", &address);
    }
    if (status == SYNOD_OK &&
        (!address_parse(address, &member->address) || member->address.port == 0)) {
        status = refuse(source, where, "address",
                        "should be host:port or [v6 address]:port, with a port from 1 to 65535");
    }
    if (status == SYNOD_OK) {
        status =
            take_key(source, where, object, "key", member->key.bytes, sizeof member->key.bytes);
    }
    if (status == SYNOD_OK) {
        status = take_key(source, where, object, "tls_key", member->tls_key.bytes,
                          sizeof member->tls_key.bytes);
    }
    member->weight = 1;
    if (status == SYNOD_OK && find(object, "weight") != NULL) {
        status = take_number(source, where, object, "weight", &member->weight);
    }
    return status;
}

static synod_status take_members(const source_t *source, const cJSON *list, genesis_t *genesis) {
    if (!cJSON_IsArray(list)) {
        return refuse(source, "", "members",
                      list == NULL ? "is missing" : "should be a list: [ ... ]");
    }
    int count = cJSON_GetArraySize(list);
    if (count <= 0 || count > MEMBERS_MAX) {
        return refuse(source, "", "members", "should list from 1 to 10,000 members");
    }
    genesis->members = calloc((size_t)count, sizeof *genesis->members);
    if (genesis->members == NULL) {
        return reason_set(source->reason, SYNOD_NO_MEMORY, "no memory for %d members", count);
    }
    genesis->member_count = (uint32_t)count;
    uint32_t index = 0;
    for (const cJSON *item = list->child; item != NULL; item = item->next, index++) {
        char where[WHERE_MAX];
        (void)snprintf(where, sizeof where, "members[%" PRIu32 "]", index);
        synod_status status = take_member(source, where, item, &genesis->members[index]);
        if (status != SYNOD_OK) {
            return status;
        }
    }
    return SYNOD_OK;
}

static synod_status take_strategy(const source_t *source, const char *where, const cJSON *object,
                                  uint64_t *value) {
    const char *text = NULL;
    synod_status status = take_text(source, where, object, GENESIS_STRATEGY, &text);
    *value = status == SYNOD_OK ? payload_find(text) : 0;
    if (status == SYNOD_OK && *value == 0) {
        status = refuse(source, where, GENESIS_STRATEGY, "should be inline or certified");
    }
    return status;
}

static synod_status take_parameters(const source_t *source, const cJSON *object,
                                    chain_parameters_t *parameters) {
    static const char where[] = "parameters";
    const char *names[64] = {NULL};
    for (size_t row = 0; row < genesis_row_count; row++) {
        names[row] = genesis_rows[row].name;
    }
    if (object == NULL) {
        return SYNOD_OK;
    }
    synod_status status = check_fields(source, where, object, names);
    for (size_t row = 0; row < genesis_row_count && status == SYNOD_OK; row++) {
        uint64_t value = 0;
        if (find(object, names[row]) == NULL) {
            continue;
        }
        status = strcmp(names[row], GENESIS_STRATEGY) == 0
                     ? take_strategy(source, where, object, &value)
                     : take_number(source, where, object, names[row], &value);
        if (status == SYNOD_OK && genesis_rows[row].width < 8 && value > UINT32_MAX) {
            status = refuse(source, where, names[row], "is above 4294967295");
        }
        if (status == SYNOD_OK) {
            genesis_row_set(&genesis_rows[row], parameters, value);
        }
    }
    return status;
}

static synod_status take_version(const source_t *source, const cJSON *root) {
    uint64_t version = 0;
    synod_status status = take_number(source, "", root, "version", &version);
    if (status == SYNOD_OK && version != GENESIS_VERSION) {
        status = reason_set(source->reason, SYNOD_BAD_VERSION,
                            "%s: version %" PRIu64 " is not known, this build reads version %d",
                            source->name, version, GENESIS_VERSION);
    }
    return status;
}

static synod_status take_time(const source_t *source, const cJSON *root, uint64_t *time_ns) {
    const char *text = NULL;
    synod_status status = take_text(source, "", root, "time", &text);
    if (status == SYNOD_OK && !genesis_time_parse(text, time_ns)) {
        status = refuse(source, "", "time",
                        "should be a date in UTC, in whole seconds, like 2025-01-31T12:00:00Z");
    }
    return status;
}

static synod_status take_all(const source_t *source, const cJSON *root, genesis_t *genesis) {
    static const char *const names[] = {"version", "chain",      "protocol", "app",
                                        "time",    "parameters", "members",  NULL};
    /* Before the names of fields: another version may have others. */
    synod_status status = cJSON_IsObject(root) ? take_version(source, root) : SYNOD_OK;
    if (status == SYNOD_OK) {
        status = check_fields(source, "", root, names);
    }
    if (status == SYNOD_OK) {
        status = take_name(source, "", root, "chain", &genesis->chain);
    }
    if (status == SYNOD_OK) {
        status = take_name(source, "", root, "protocol", &genesis->protocol);
    }
    if (status == SYNOD_OK) {
        status = take_name(source, "", root, "app", &genesis->app);
    }
    if (status == SYNOD_OK) {
        status = take_time(source, root, &genesis->time_ns);
    }
    if (status == SYNOD_OK) {
        status = take_parameters(source, find(root, "parameters"), &genesis->parameters);
    }
    return status == SYNOD_OK ? take_members(source, find(root, "members"), genesis) : status;
}

/* ---- reading ---- */

static synod_status refuse_syntax(const source_t *source, const char *text, const char *end) {
    int line = 1;
    for (const char *at = text; at < end; at++) {
        line += *at == '\n' ? 1 : 0;
    }
    return reason_set(source->reason, SYNOD_MALFORMED,
                      "%s: line %d is not JSON, or something is missing or too much before it",
                      source->name, line);
}

synod_status genesis_parse(const char *name, const char *text, size_t size, genesis_t *genesis,
                           reason_t *reason) {
    source_t source = {name, reason};
    const char *end = text;
    *genesis = (genesis_t){0};
    cJSON *root = cJSON_ParseWithLengthOpts(text, size, &end, false);
    while (root != NULL && end < text + size && strchr(" \t\r\n", *end) != NULL && *end != '\0') {
        end++;
    }
    if (root == NULL || end < text + size) { /* nothing but white space may follow the object */
        cJSON_Delete(root);
        return refuse_syntax(&source, text, end);
    }
    synod_status status = take_all(&source, root, genesis);
    cJSON_Delete(root);
    if (status == SYNOD_OK) {
        status = genesis_judge(name, genesis, reason);
    }
    if (status != SYNOD_OK) {
        genesis_free(genesis);
    }
    return status;
}

synod_status genesis_read(const char *path, genesis_t *genesis, reason_t *reason) {
    file_content_t content;
    *genesis = (genesis_t){0};
    synod_status status = file_read(path, GENESIS_FILE_MAX, FILE_PUBLIC, &content, reason);
    if (status == SYNOD_OK) {
        status = genesis_parse(path, content.text, content.size, genesis, reason);
        file_free(&content);
    }
    return status;
}

void genesis_free(genesis_t *genesis) {
    free(genesis->members);
    *genesis = (genesis_t){0};
}

/* ---- writing ---- */

static bool add_member(cJSON *list, const genesis_member_t *member) {
    char key[2 * sizeof member->key.bytes + 1], tls_key[2 * TLS_KEY_BYTES + 1];
    char address[ADDRESS_TEXT_MAX];
    cJSON *object = cJSON_CreateObject();
    hex_encode(member->key.bytes, sizeof member->key.bytes, key);
    hex_encode(member->tls_key.bytes, TLS_KEY_BYTES, tls_key);
    address_print(&member->address, address);
    return cJSON_AddItemToArray(list, object) &&
           cJSON_AddStringToObject(object, "name", member->name.text) != NULL &&
           cJSON_AddStringToObject(object, "address", address) != NULL &&
           cJSON_AddStringToObject(object, "key", key) != NULL &&
           cJSON_AddStringToObject(object, "tls_key", tls_key) != NULL &&
           cJSON_AddNumberToObject(object, "weight", (double)member->weight) != NULL;
}

static bool add_all(cJSON *root, const genesis_t *genesis) {
    char time[GENESIS_TIME_TEXT_MAX];
    genesis_time_print(genesis->time_ns, time);
    bool done = cJSON_AddNumberToObject(root, "version", GENESIS_VERSION) != NULL &&
                cJSON_AddStringToObject(root, "chain", genesis->chain.text) != NULL &&
                cJSON_AddStringToObject(root, "protocol", genesis->protocol.text) != NULL &&
                cJSON_AddStringToObject(root, "app", genesis->app.text) != NULL &&
                cJSON_AddStringToObject(root, "time", time) != NULL;
    cJSON *object = done ? cJSON_AddObjectToObject(root, "parameters") : NULL;
    for (size_t row = 0; row < genesis_row_count && object != NULL && done; row++) {
        uint64_t value = genesis_row_get(&genesis_rows[row], &genesis->parameters);
        done = strcmp(genesis_rows[row].name, GENESIS_STRATEGY) == 0
                   ? cJSON_AddStringToObject(object, GENESIS_STRATEGY,
                                             payload_name((uint32_t)value)) != NULL
                   : cJSON_AddNumberToObject(object, genesis_rows[row].name, (double)value) != NULL;
    }
    cJSON *list = object != NULL && done ? cJSON_AddArrayToObject(root, "members") : NULL;
    done = list != NULL;
    for (uint32_t index = 0; index < genesis->member_count && done; index++) {
        done = add_member(list, &genesis->members[index]);
    }
    return done;
}

synod_status genesis_write(const char *path, const genesis_t *genesis, reason_t *reason) {
    cJSON *root = cJSON_CreateObject();
    char *text = root != NULL && add_all(root, genesis) ? cJSON_Print(root) : NULL;
    cJSON_Delete(root);
    if (text == NULL) {
        return reason_set(reason, SYNOD_NO_MEMORY, "no memory to write %s", path);
    }
    synod_status status =
        file_write(path, bytes_of(text, strlen(text)), FILE_PUBLIC, FILE_KEEP, reason);
    cJSON_free(text);
    return status;
}
