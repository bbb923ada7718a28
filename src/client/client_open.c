/* Configuration and memory of the client. */
#include "base/arena.h"
#include "base/bitset.h"
#include "client/client_state.h"

#define SESSION_WINDOW_DEFAULT 1024
#define MILLISECOND_NS UINT64_C(1000000)
/* Bounds of the bounds, so that no sum below overflows. */
#define WINDOW_MAX (1u << 16)
#define QUEUE_BYTES_MAX (1u << 30)
#define QUERIES_MAX 4096

client_config_t client_config_default(void) {
    return (client_config_t){.window = 64,
                             .batch_operations = REQUEST_OPERATIONS_MAX,
                             .batch_bytes = 64u << 10,
                             .queue_operations = 1u << 16,
                             .queue_bytes = 8u << 20,
                             .queries_max = 16,
                             .query_bytes_max = 64u << 10,
                             .linger_ns = 1 * MILLISECOND_NS,
                             .retry_first_ns = 300 * MILLISECOND_NS,
                             .retry_max_ns = 5000 * MILLISECOND_NS,
                             .deadline_ns = 30000 * MILLISECOND_NS,
                             .query_deadline_ns = 10000 * MILLISECOND_NS};
}

/* The largest request that the chain takes. */
static size_t largest_request(const client_config_t *config) {
    size_t most = REQUEST_BYTES_MAX;
    if (config->payload_bytes_max != 0 && config->payload_bytes_max < most) {
        most = config->payload_bytes_max;
    }
    return most;
}

static uint32_t window_of(const client_config_t *config) {
    uint32_t chain = config->session_window == 0 ? SESSION_WINDOW_DEFAULT : config->session_window;
    return config->window < chain ? config->window : chain;
}

static bool config_holds(const client_config_t *config) {
    return config->committee != NULL && config->signer != NULL && config->host != NULL &&
           config->window >= 1 && config->window <= WINDOW_MAX && config->batch_operations >= 1 &&
           config->batch_operations <= REQUEST_OPERATIONS_MAX && config->batch_bytes >= 1 &&
           config->queue_operations >= 1 &&
           config->queue_bytes >= FRAME_HEADER_BYTES + largest_request(config) &&
           config->queue_bytes <= QUEUE_BYTES_MAX &&
           largest_request(config) > REQUEST_AROUND_BYTES && config->queries_max >= 1 &&
           config->queries_max <= QUERIES_MAX && config->query_bytes_max >= 1 &&
           config->query_bytes_max <= FRAME_BODY_MAX - 13 && config->retry_first_ns >= 1 &&
           config->retry_max_ns >= config->retry_first_ns &&
           config->retry_max_ns <= TIME_NEVER / 4 && config->deadline_ns <= TIME_NEVER / 4 &&
           config->query_deadline_ns <= TIME_NEVER / 4 && config->linger_ns <= TIME_NEVER / 4;
}

static size_t question_frame_bytes(const client_config_t *config) {
    const query_t empty = {0};
    return FRAME_HEADER_BYTES + query_encoded_bytes(&empty) + config->query_bytes_max;
}

/* As many batches may wait as may be outstanding. */
static uint32_t batches_of(const client_config_t *config) {
    return 2 * window_of(config);
}

size_t client_bytes(const client_config_t *config) {
    if (!config_holds(config)) {
        return 0;
    }
    const size_t members = config->committee->size;
    const size_t voices = members * ANSWER_CLASSES * sizeof(answer_t);
    const size_t window = window_of(config);
    const size_t questions = config->queries_max;
    return arena_cost(sizeof(client_t)) + arena_cost(members * sizeof(peer_t)) +
           arena_cost(bitset_words((uint32_t)members) * sizeof(uint64_t)) + arena_cost(voices) +
           arena_cost(batches_of(config) * sizeof(batch_t)) + arena_cost(config->queue_bytes) +
           arena_cost(window * sizeof(place_t)) + window * arena_cost(voices) +
           arena_cost(questions * sizeof(question_t)) +
           questions *
               (arena_cost(members * sizeof(answer_t)) + arena_cost(question_frame_bytes(config)));
}

static ballot_t take_ballot(arena_t *arena, uint32_t capacity) {
    return ballot_of(arena_take(arena, capacity * sizeof(answer_t)), capacity);
}

static void take_memory(client_t *c, arena_t *arena) {
    const uint32_t members = c->config.committee->size;
    c->peers = arena_take(arena, members * sizeof(peer_t));
    c->expired_by = arena_take(arena, bitset_words(members) * sizeof(uint64_t));
    c->open_ballot = take_ballot(arena, members * ANSWER_CLASSES);
    c->batches_max = batches_of(&c->config);
    c->batches = arena_take(arena, c->batches_max * sizeof(batch_t));
    c->room_bytes = c->config.queue_bytes;
    c->room = arena_take(arena, c->room_bytes);
    c->places = arena_take(arena, c->window * sizeof(place_t));
    for (uint32_t i = 0; i < c->window; i++) {
        c->places[i].ballot = take_ballot(arena, members * ANSWER_CLASSES);
    }
    c->questions = arena_take(arena, c->config.queries_max * sizeof(question_t));
    for (uint32_t i = 0; i < c->config.queries_max; i++) {
        c->questions[i].ballot = take_ballot(arena, members);
        c->questions[i].frame = arena_take(arena, question_frame_bytes(&c->config));
        ensure(c->questions[i].frame != NULL);
    }
}

synod_status client_open(void *memory, size_t size, const client_config_t *config,
                         client_t **client) {
    const size_t needed = client_bytes(config);
    if (needed == 0) {
        return SYNOD_BAD_CONFIG;
    }
    if (size < needed) {
        return SYNOD_NO_MEMORY;
    }
    require(memory != NULL && (uintptr_t)memory % 16 == 0);
    arena_t arena = arena_of(memory, size);
    client_t *c = arena_take(&arena, sizeof *c);
    ensure(c != NULL);
    c->config = *config;
    c->phase = CLIENT_IDLE;
    c->wake_at = TIME_NEVER;
    c->prng = prng_of(config->seed);
    c->one_honest = quorum_weight(config->committee, QUORUM_ONE_HONEST);
    c->window = window_of(config);
    c->request_bytes_max = largest_request(config);
    c->preferred = MEMBER_NONE;
    c->avoided = MEMBER_NONE;
    c->next_token = c->next_question = c->next_sequence = 1;
    take_memory(c, &arena);
    for (uint32_t i = 0; i < config->committee->size; i++) {
        c->peers[i].hint = MEMBER_NONE;
    }
    *client = c;
    return SYNOD_OK;
}
