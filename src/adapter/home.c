/* Homes: reading one, making one or many.
 *
 * The journal is made together with the key and never again: a key whose record of signatures is
 * gone must not sign as if it never had (attack F7). So a missing journal is an error, not an
 * empty one. */
#include "adapter/home.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "protocol/registry.h"

#define CONFIG_NAME "config"
#define GENESIS_NAME "genesis.json"
#define KEY_NAME "node_key"
#define JOURNAL_NAME "journal"

/* ---- reading ---- */

static synod_status join_data(home_t *home, reason_t *reason) {
    synod_status status = file_join(&home->data, home->path.text, home->settings.data, reason);
    return status == SYNOD_OK ? file_join(&home->journal, home->data.text, JOURNAL_NAME, reason)
                              : status;
}

static synod_status find_self(home_t *home, reason_t *reason) {
    key_public_t key;
    tls_key_t tls_key;
    if (node_key_public(&home->key, &key, &tls_key) != SYNOD_OK) {
        return reason_set(reason, SYNOD_NO_MEMORY, "no memory for the keys of %s", home->path.text);
    }
    for (uint32_t index = 0; index < home->genesis.member_count; index++) {
        const genesis_member_t *member = &home->genesis.members[index];
        bool same_key = memcmp(&member->key, &key, sizeof key) == 0;
        bool same_tls_key = memcmp(&member->tls_key, &tls_key, sizeof tls_key) == 0;
        if (same_key && same_tls_key) {
            home->self = index;
            return SYNOD_OK;
        }
        if (same_key || same_tls_key) {
            return reason_set(reason, SYNOD_MISMATCH,
                              "%s: members[%" PRIu32 "] has the %s of this node, but another %s; "
                              "genesis and node_key are not of one making",
                              home->path.text, index, same_key ? "key" : "tls_key",
                              same_key ? "tls_key" : "key");
        }
    }
    return reason_set(reason, SYNOD_NOT_MEMBER,
                      "%s/%s does not list the key in %s/%s; is one of them of another chain?",
                      home->path.text, GENESIS_NAME, home->path.text, KEY_NAME);
}

static synod_status judge_folder(const char *path, reason_t *reason) {
    struct stat about;
    if (stat(path, &about) != 0) {
        return reason_set(reason, status_of_errno(errno),
                          "there is no home at %s (%s); make one with `synod init --home %s`", path,
                          strerror(errno), path);
    }
    return SYNOD_OK;
}

synod_status home_read(const char *path, home_t *home, reason_t *reason) {
    file_path_t file;
    *home = (home_t){.self = MEMBER_NONE};
    (void)snprintf(home->path.text, sizeof home->path.text, "%s", path);
    synod_status status = judge_folder(path, reason);
    if (status == SYNOD_OK) {
        status = file_join(&file, path, CONFIG_NAME, reason);
    }
    if (status == SYNOD_OK) {
        status = settings_read(file.text, &home->settings, reason);
    }
    if (status == SYNOD_OK) {
        status = file_join(&file, path, GENESIS_NAME, reason);
    }
    if (status == SYNOD_OK) {
        status = genesis_read(file.text, &home->genesis, reason);
    }
    if (status == SYNOD_OK) {
        status = file_join(&file, path, KEY_NAME, reason);
    }
    if (status == SYNOD_OK) {
        status = node_key_read(file.text, &home->key, reason);
    }
    if (status == SYNOD_OK) {
        status = find_self(home, reason);
    }
    if (status == SYNOD_OK) {
        status = join_data(home, reason);
    }
    if (status != SYNOD_OK) {
        home_free(home);
    }
    return status;
}

void home_free(home_t *home) {
    genesis_free(&home->genesis);
    node_key_wipe(&home->key);
}

/* ---- making ---- */

void home_plan_default(home_plan_t *plan) {
    *plan = (home_plan_t){.chain = "synod",
                          .protocol = PROTOCOL_DEFAULT,
                          .app = "kv",
                          .host = "127.0.0.1",
                          .port = 7100};
    settings_default(&plan->settings);
}

static synod_status copy_name(genesis_name_t *name, const char *text, const char *what,
                              reason_t *reason) {
    if (!genesis_name_set(name, text)) {
        return reason_set(reason, SYNOD_BAD_CONFIG,
                          "the %s '%.80s' is no name: 1 to %d letters, digits, '.', '-', '_'", what,
                          text, GENESIS_NAME_MAX);
    }
    return SYNOD_OK;
}

static synod_status plan_member(genesis_member_t *member, const home_plan_t *plan, uint32_t index,
                                const node_key_t *key, reason_t *reason) {
    char address[ADDRESS_TEXT_MAX];
    const char *format = strchr(plan->host, ':') != NULL ? "[%.253s]:%u" : "%.253s:%u";
    (void)snprintf(member->name.text, sizeof member->name.text, "node%" PRIu32, index);
    (void)snprintf(address, sizeof address, format, plan->host, (unsigned)plan->port + index);
    member->weight = 1;
    if (!address_parse(address, &member->address) || member->address.port == 0) {
        return reason_set(reason, SYNOD_BAD_CONFIG,
                          "%s is no address that node%" PRIu32 " could have; choose another first "
                          "port or host",
                          address, index);
    }
    if (node_key_public(key, &member->key, &member->tls_key) != SYNOD_OK) {
        return reason_set(reason, SYNOD_NO_MEMORY, "no memory for the keys of node%" PRIu32, index);
    }
    return SYNOD_OK;
}

/* Draws the keys of all members and makes the genesis that lists them. */
static synod_status plan_genesis(genesis_t *genesis, node_key_t *keys, uint32_t count,
                                 const home_plan_t *plan, reason_t *reason) {
    *genesis = (genesis_t){.parameters = plan->parameters,
                           .time_ns = (uint64_t)time(NULL) * UINT64_C(1000000000)};
    synod_status status = copy_name(&genesis->chain, plan->chain, "chain", reason);
    if (status == SYNOD_OK) {
        status = copy_name(&genesis->protocol, plan->protocol, "protocol", reason);
    }
    if (status == SYNOD_OK) {
        status = copy_name(&genesis->app, plan->app, "application", reason);
    }
    if (status != SYNOD_OK) {
        return status;
    }
    genesis->members = calloc(count, sizeof *genesis->members);
    if (genesis->members == NULL) {
        return reason_set(reason, SYNOD_NO_MEMORY, "no memory for %" PRIu32 " members", count);
    }
    genesis->member_count = count;
    for (uint32_t index = 0; index < count && status == SYNOD_OK; index++) {
        status = node_key_draw(&keys[index], reason);
        if (status == SYNOD_OK) {
            status = plan_member(&genesis->members[index], plan, index, &keys[index], reason);
        }
    }
    return status == SYNOD_OK ? genesis_judge("the new genesis", genesis, reason) : status;
}

/* Empty: it grows when the node runs. */
static synod_status make_journal(const char *path, reason_t *reason) {
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error = file >= 0 && fsync(file) == 0 ? 0 : errno;
    if (file >= 0 && close(file) != 0 && error == 0) {
        error = errno;
    }
    if (error == 0) {
        error = file_sync_folder_of(path);
    }
    return error == 0 ? SYNOD_OK : reason_errno(reason, error, "make", path);
}

static synod_status make_data(const char *path, const settings_t *settings, reason_t *reason) {
    file_path_t folder, journal;
    synod_status status = file_join(&folder, path, settings->data, reason);
    if (status == SYNOD_OK) {
        status = file_make_folder(folder.text, reason);
    }
    if (status == SYNOD_OK) {
        status = file_join(&journal, folder.text, JOURNAL_NAME, reason);
    }
    return status == SYNOD_OK ? make_journal(journal.text, reason) : status;
}

static synod_status make_home(const char *path, const home_plan_t *plan, const genesis_t *genesis,
                              uint32_t index, const node_key_t *key, reason_t *reason) {
    file_path_t file;
    settings_t settings = plan->settings;
    settings.listen = genesis->members[index].address;
    if (plan->http && genesis->member_count <= HTTP_PORT_OFFSET) {
        settings.http_listen = (address_t){
            .host = "127.0.0.1", .port = (uint16_t)(settings.listen.port + HTTP_PORT_OFFSET)};
    }
    synod_status status = file_make_folder(path, reason);
    if (status == SYNOD_OK) {
        status = file_join(&file, path, CONFIG_NAME, reason);
    }
    if (status == SYNOD_OK) {
        status = settings_write(file.text, &settings, reason);
    }
    if (status == SYNOD_OK) {
        status = file_join(&file, path, GENESIS_NAME, reason);
    }
    if (status == SYNOD_OK) {
        status = genesis_write(file.text, genesis, reason);
    }
    if (status == SYNOD_OK) {
        status = make_data(path, &settings, reason);
    }
    /* Last, so that a home whose making was cut short has no key to run with. */
    if (status == SYNOD_OK) {
        status = file_join(&file, path, KEY_NAME, reason);
    }
    return status == SYNOD_OK ? node_key_write(file.text, key, reason) : status;
}

synod_status testnet_home(const char *path, uint32_t index, file_path_t *home, reason_t *reason) {
    char name[32];
    (void)snprintf(name, sizeof name, "node%" PRIu32, index);
    return file_join(home, path, name, reason);
}

static synod_status make_homes(const char *path, bool nested, uint32_t count,
                               const home_plan_t *plan, node_key_t *keys, reason_t *reason) {
    genesis_t genesis;
    synod_status status = plan_genesis(&genesis, keys, count, plan, reason);
    for (uint32_t index = 0; index < count && status == SYNOD_OK; index++) {
        file_path_t home;
        status = nested ? testnet_home(path, index, &home, reason) : SYNOD_OK;
        if (status == SYNOD_OK) {
            status =
                make_home(nested ? home.text : path, plan, &genesis, index, &keys[index], reason);
        }
    }
    genesis_free(&genesis);
    return status;
}

static synod_status create(const char *path, bool nested, uint32_t count, const home_plan_t *plan,
                           reason_t *reason) {
    if (count == 0 || count > MEMBERS_MAX) {
        return reason_set(reason, SYNOD_BAD_CONFIG, "%" PRIu32 " members, 1 to %d are possible",
                          count, MEMBERS_MAX);
    }
    if (!file_folder_is_empty(path)) {
        return reason_set(reason, SYNOD_IN_USE,
                          "%s is there already and not an empty folder; keys are never "
                          "overwritten: choose another place, or move it away",
                          path);
    }
    node_key_t *keys = calloc(count, sizeof *keys);
    if (keys == NULL) {
        return reason_set(reason, SYNOD_NO_MEMORY, "no memory for %" PRIu32 " keys", count);
    }
    synod_status status = make_homes(path, nested, count, plan, keys, reason);
    sign_wipe(keys, count * sizeof *keys);
    free(keys);
    return status;
}

synod_status home_create(const char *path, const home_plan_t *plan, reason_t *reason) {
    return create(path, false, 1, plan, reason);
}

synod_status testnet_create(const char *path, uint32_t count, const home_plan_t *plan,
                            reason_t *reason) {
    return create(path, true, count, plan, reason);
}
