/* See node.h. Opening goes from what is cheap and often wrong (files) to what is dear (memory);
 * what was opened is closed in reverse, whatever failed. */
#include "node/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/check.h"
#include "node/api.h"
#include "node/faults.h"
#include "node/state.h"
#include "protocol/registry.h"

/* After asking all links to close, look this often whether they have. */
#define STOP_POLL_MS 5
/* The loop does not wait longer than two seconds for the replica's last writes. What a thread is in
 * cannot be cut short: a look-up of a name that hangs, or a sync, holds up the end until the
 * system answers. */
#define STOP_POLLS_MAX 400

static synod_status open_meter(node_t *node, reason_t *reason) {
    file_path_t path;
    if (node->home.settings.meter == METER_NOTHING)
        return SYNOD_OK;
    synod_status status = file_join(&path, node->home.path.text, METER_FILE, reason);
    return status == SYNOD_OK ? meter_open(path.text, &node->meter, reason) : status;
}

/* For those who take the time of threads. */
static meter_t *stage_meter(const node_t *node) {
    return node->home.settings.meter == METER_STAGES ? node->meter : NULL;
}

static synod_status open_disk(node_t *node, reason_t *reason) {
    const settings_t *settings = &node->home.settings;
    disk_options_t options = {.loop = &node->loop,
                              .log = &node->log,
                              .folder = node->home.data.text,
                              .segment_bytes = settings->journal_segment_kib << 10,
                              .segments_max = (uint32_t)settings->journal_segments,
                              .durability = (durability_t)settings->durability,
                              .meter = node->meter,
                              .stage_meter = stage_meter(node)};
    disk_events_t events = node_disk_events(node);
    faults_disk(node, &options, &events);
    if (settings->durability == DURABILITY_NONE)
        log_event(&node->log, LOG_WARNING, "node", "unsafe",
                  "durability=none: a power cut can make this validator break its promises");
    return disk_open(&options, &events, &node->disk, reason);
}

/* What the journal's file holds now; 1 when it is empty or cannot be told. */
static uint64_t journal_extent(const node_t *node) {
    struct stat facts;
    bool known = stat(node->home.journal.text, &facts) == 0 && facts.st_size > 0;
    return known ? (uint64_t)facts.st_size : 1;
}

/* The application is the one that the genesis names, or nobody can follow the chain. */
static synod_status choose_app(node_t *node, const synod_app **app, reason_t *reason) {
    const char *wanted = node->home.genesis.app.text;
    *app = node->options.app != NULL ? node->options.app : synod_app_find(wanted);
    if (*app == NULL)
        return reason_set(reason, SYNOD_UNSUPPORTED,
                          "the genesis of %s names the application '%s', which is not built in",
                          node->home.path.text, wanted);
    if (strcmp((*app)->name, wanted) != 0)
        return reason_set(reason, SYNOD_MISMATCH,
                          "the genesis of %s names the application '%s', given is '%s'",
                          node->home.path.text, wanted, (*app)->name);
    return SYNOD_OK;
}

static synod_status judge_journal(const node_t *node, const replica_config_t *config,
                                  reason_t *reason) {
    uint64_t least = replica_segments_min(config);
    if (config->journal_segments >= least)
        return SYNOD_OK;
    return reason_set(reason, SYNOD_BAD_CONFIG,
                      "storage.journal_segments is %u: with %u validators, blocks of %u KiB and "
                      "segments of %llu KiB at least %llu are needed (genesis %s)",
                      config->journal_segments, config->committee->size,
                      config->chain.core.payload_bytes_max >> 10,
                      (unsigned long long)config->journal_segment_bytes >> 10,
                      (unsigned long long)least, node->home.path.text);
}

static synod_status open_replica(node_t *node, reason_t *reason) {
    const genesis_t *genesis = &node->home.genesis;
    const settings_t *settings = &node->home.settings;
    const synod_app *app = NULL;
    synod_status chosen = choose_app(node, &app, reason);
    if (chosen != SYNOD_OK)
        return chosen;
    node->infos = calloc(genesis->member_count, sizeof *node->infos);
    if (node->infos == NULL)
        return reason_set(reason, SYNOD_NO_MEMORY, "out of memory");
    node->verifier = verifier_ed25519();
    genesis_committee(genesis, node->infos, &node->verifier, &node->committee);
    node->signer = signer_ed25519(node->home.key.member_seed, &node->secret);
    node_bind_host(node);
    replica_config_t config = {.protocol = protocol_find(genesis->protocol.text),
                               .chain = genesis->parameters,
                               .committee = &node->committee,
                               .self = node->home.self,
                               .signer = &node->signer,
                               .anchor = genesis->anchor,
                               .app = app,
                               .host = &node->host,
                               .journal_segments = (uint32_t)settings->journal_segments,
                               .journal_segment_bytes = settings->journal_segment_kib << 10,
                               .snapshot_bytes = settings->snapshot_kib << 10,
                               .journal_extent_bytes = journal_extent(node),
                               .mempool_bytes = (uint32_t)(settings->mempool_mib << 20),
                               .links_max =
                                   genesis->member_count + (uint32_t)settings->clients_max};
    faults_replica(node, &config);
    node_key_replica_seed(&node->home.key, config.seed);
    synod_status status = judge_journal(node, &config, reason);
    if (status != SYNOD_OK)
        return status;
    node->memory_size = replica_bytes(&config);
    node->memory = mmap(NULL, node->memory_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (node->memory == MAP_FAILED) {
        node->memory = NULL;
        return reason_set(reason, SYNOD_NO_MEMORY, "no address space of %zu MiB: %s",
                          node->memory_size >> 20, strerror(errno));
    }
    status = replica_open(node->memory, node->memory_size, &config, &node->replica);
    return status == SYNOD_OK
               ? SYNOD_OK
               : reason_set(reason, status, "the replica cannot be opened: %s (genesis %s)",
                            synod_status_text(status), node->home.path.text);
}

static synod_status open_net(node_t *node, reason_t *reason) {
    const genesis_t *genesis = &node->home.genesis;
    const settings_t *settings = &node->home.settings;
    net_peer_t *peers = calloc(genesis->member_count, sizeof *peers);
    if (peers == NULL)
        return reason_set(reason, SYNOD_NO_MEMORY, "out of memory");
    for (uint32_t i = 0; i < genesis->member_count; i++)
        peers[i] = (net_peer_t){genesis->members[i].address, genesis->members[i].tls_key};
    net_options_t options = {.loop = &node->loop,
                             .log = &node->log,
                             .tls_seed = node->home.key.tls_seed,
                             .peers = peers,
                             .peer_count = genesis->member_count,
                             .self = node->home.self,
                             .listen = &settings->listen,
                             .meter = node->meter,
                             .clients_max = (uint32_t)settings->clients_max,
                             .client_memory_bytes = (size_t)settings->client_memory_mib << 20,
                             .dial_min_ms = settings->dial_min_ms,
                             .dial_max_ms = settings->dial_max_ms,
                             .handshake_timeout_ms = settings->handshake_timeout_ms,
                             .frame_timeout_ms = settings->frame_timeout_ms,
                             .ping_interval_ms = settings->ping_interval_ms,
                             .idle_timeout_ms = settings->idle_timeout_ms};
    net_events_t events = node_net_events(node);
    synod_status status = net_open(&options, &events, &node->net, reason);
    free(peers);
    return status;
}

/* ---- stopping ---- */

static void on_stop_poll(uv_timer_t *timer) {
    node_t *node = timer->data;
    node->stop_polls++;
    if (net_stopped(node->net) &&
        (replica_rest(node->replica, node_now(node)) || node->stop_polls > STOP_POLLS_MAX))
        uv_stop(&node->loop);
}

static void begin_stop(node_t *node) {
    if (node->stopping)
        return;
    node->stopping = true;
    if (node->options.owns_process)
        notify_stopping(&node->notify);
    bool halted = node->halted != SYNOD_OK;
    log_event(&node->log, LOG_INFO, "node", "stop", "reason=\"%s\"",
              halted ? node->halt_reason : "asked");
    net_stop(node->net, SYNOD_CLOSED, halted ? node->halt_reason : "the validator stops");
    api_stop(node->api);
    uv_timer_start(&node->stop_poll, on_stop_poll, STOP_POLL_MS, STOP_POLL_MS);
}

static void on_stop(uv_async_t *async) {
    begin_stop(async->data);
}

static void on_signal(uv_signal_t *handle, int number) {
    (void)number;
    begin_stop(handle->data);
}

void node_ask_stop(node_t *node) {
    uv_async_send(&node->stop);
}

/* ---- opening and running ---- */

static void open_handles(node_t *node) {
    uv_timer_init(&node->loop, &node->wake);
    uv_timer_init(&node->loop, &node->stop_poll);
    uv_async_init(&node->loop, &node->stop, on_stop);
    node->wake.data = node->stop_poll.data = node->stop.data = node;
    for (uint32_t i = 0; i < 2; i++) {
        uv_signal_init(&node->loop, &node->signals[i]);
        node->signals[i].data = node;
    }
    if (node->options.owns_process)
        notify_open(&node->notify, &node->loop);
    if (node->options.handle_signals) {
        uv_signal_start(&node->signals[0], on_signal, SIGTERM);
        uv_signal_start(&node->signals[1], on_signal, SIGINT);
    }
}

static synod_status open_log(node_t *node, reason_t *reason) {
    const settings_t *settings = &node->home.settings;
    file_path_t path = {""};
    log_options_t options = {.path = path.text,
                             .level = (log_level_t)settings->log_level,
                             .json = settings->log_json != 0};
    synod_status status = settings->log_file[0] == '\0'
                              ? SYNOD_OK
                              : file_join(&path, node->home.path.text, settings->log_file, reason);
    return status == SYNOD_OK ? log_open(&node->log, &options, reason) : status;
}

static synod_status open_parts(node_t *node, reason_t *reason) {
    synod_status status = home_read(node->options.home, &node->home, reason);
    if (status != SYNOD_OK)
        return status;
    node->home_read = true;
    if (node->options.owns_process && !node->home.settings.core_dumps)
        prctl(PR_SET_DUMPABLE, 0); /* a core dump would hold the keys (attack K7) */
    status = open_log(node, reason);
    if (status != SYNOD_OK)
        return status;
    node->log_open = true;
    if (uv_loop_init(&node->loop) != 0)
        return reason_set(reason, SYNOD_IO, "the event loop cannot be made");
    node->loop_open = true;
    open_handles(node);
    status = faults_open(node, reason);
    if (status == SYNOD_OK)
        status = open_meter(node, reason);
    if (status == SYNOD_OK)
        status = open_disk(node, reason);
    if (status == SYNOD_OK)
        status = open_replica(node, reason);
    if (status == SYNOD_OK)
        status = open_net(node, reason);
    if (status == SYNOD_OK)
        status = api_open(node, &node->api, reason);
    if (status != SYNOD_OK)
        return status;
    node->pool = pool_open(&node->loop, (uint32_t)node->home.settings.workers, stage_meter(node),
                           node_on_job, node);
    return node->pool != NULL ? SYNOD_OK
                              : reason_set(reason, SYNOD_IO, "worker threads cannot be started");
}

synod_status node_open(const node_options_t *options, node_t **to, reason_t *reason) {
    node_t *node = calloc(1, sizeof *node);
    if (node == NULL)
        return reason_set(reason, SYNOD_NO_MEMORY, "out of memory");
    node->options = *options;
    synod_status status = open_parts(node, reason);
    if (status != SYNOD_OK) {
        node_close(node);
        return status;
    }
    *to = node;
    return SYNOD_OK;
}

void node_tell_ready(node_t *node) {
    char text[128];
    if (!node->options.owns_process || node->notify.ready ||
        replica_phase(node->replica) == REPLICA_RECOVERING)
        return;
    (void)snprintf(text, sizeof text, "member %u of the %u of chain %s", node->home.self,
                   node->home.genesis.member_count, node->home.genesis.chain.text);
    notify_ready(&node->notify, text);
}

synod_status node_run(node_t *node, reason_t *reason) {
    const genesis_t *genesis = &node->home.genesis;
    log_event(&node->log, LOG_INFO, "node", "start",
              "chain=%s protocol=%s app=%s member=%u of=%u port=%u http=%u", genesis->chain.text,
              genesis->protocol.text, genesis->app.text, node->home.self, genesis->member_count,
              (unsigned)net_port(node->net), (unsigned)api_port(node->api));
    meter_begin(stage_meter(node), STAGE_LOOP);
    node_ask_space(node);
    replica_start(node->replica, node_now(node));
    uv_run(&node->loop, UV_RUN_DEFAULT);
    if (node->halted == SYNOD_OK)
        return SYNOD_OK;
    return reason_set(reason, node->halted, "%s", node->halt_reason);
}

static void close_handle(uv_handle_t *handle, void *unused) {
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* The disk first: its last answers still reach the replica, which may then speak to net and pool.
 */
static void close_loop(node_t *node) {
    uv_timer_stop(&node->wake);
    if (node->net != NULL) {
        if (!node->stopping)
            net_stop(node->net, SYNOD_CLOSED, "the validator did not start");
        while (!net_stopped(node->net))
            uv_run(&node->loop, UV_RUN_ONCE);
    }
    api_stop(node->api);
    while (!api_stopped(node->api))
        uv_run(&node->loop, UV_RUN_ONCE);
    if (node->disk != NULL) {
        disk_stop(node->disk);
        while (!disk_stopped(node->disk))
            uv_run(&node->loop, UV_RUN_ONCE);
    }
    uv_timer_stop(&node->wake); /* the replica may have wished for it again */
    if (node->pool != NULL)
        pool_close(node->pool);
    api_close(node->api);
    if (node->net != NULL)
        net_free(node->net);
    if (node->disk != NULL)
        disk_free(node->disk);
    uv_walk(&node->loop, close_handle, NULL);
    uv_run(&node->loop, UV_RUN_DEFAULT);
    int closed = uv_loop_close(&node->loop);
    ensure(closed == 0);
}

void node_close(node_t *node) {
    replica_t *replica = node->replica;
    if (node->loop_open) {
        close_loop(node);
        if (node->options.owns_process)
            notify_close(&node->notify);
    }
    faults_close(node);
    if (replica != NULL)
        replica_close(replica);
    if (node->memory != NULL)
        munmap(node->memory, node->memory_size);
    meter_close(node->meter);
    sign_wipe(&node->secret, sizeof node->secret);
    free(node->infos);
    if (node->log_open)
        log_close(&node->log);
    if (node->home_read)
        home_free(&node->home);
    free(node);
}

uint16_t node_port(const node_t *node) {
    return net_port(node->net);
}

void node_status(const node_t *node, status_report_t *report) {
    replica_status(node->replica, node_now((node_t *)(uintptr_t)node), report);
}
