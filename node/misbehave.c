/* See misbehave.h. */
#include "node/misbehave.h"

#ifdef SYNOD_FAULT_HOOKS

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapter/files.h"
#include "base/check.h"
#include "base/ring.h"
#include "node/faults.h"

/* Proposals held at once; one more lets the oldest go. A leader has one or two under way. */
#define HELD_MAX 16
#define WORDS_MAX 4096

typedef struct held {
    uint64_t at_ns; /* when it may leave */
    lane_t lane;
    uint32_t count;
    size_t size;
    uint8_t *frame; /* and the links before it */
    link_t *links;
} held_t;

/* What the words say. */
typedef struct ways {
    bool equivocate, withhold, silent;
    uint64_t hold_ns, slow_us;
} ways_t;

struct misbehaviour {
    node_t *node;
    ways_t ways;
    void (*send)(void *context, const link_t *links, uint32_t count, lane_t lane, bytes_t frame);
    arena_t decode;
    link_t left_out; /* withhold; LINK_NONE: not chosen yet */
    ring_t held;     /* held_t */
    uv_signal_t signal;
    uv_timer_t release;
    uv_check_t turn;
};

/* ---- what leaves ---- */

/* The other block goes to the larger half, so that neither finds a quorum; whoever collects votes
 * gets both of them. */
static void send_both(misbehaviour_t *m, const link_t *links, uint32_t count, lane_t lane,
                      bytes_t frame) {
    uint8_t *other = malloc(frame.size + EQUIVOCATE_ROOM);
    ensure(other != NULL);
    size_t size = equivocate_frame(m->node, &m->decode, frame, other);
    uint32_t deceived = size == 0 ? 0 : (count + 1) / 2;
    if (deceived > 0)
        m->send(m->node, links, deceived, lane, bytes_of(other, size));
    if (count == 1)
        deceived = 0;
    m->send(m->node, links + deceived, count - deceived, lane, frame);
    free(other);
}

static void send_without_one(misbehaviour_t *m, const link_t *links, uint32_t count, lane_t lane,
                             bytes_t frame) {
    uint32_t at = 0;
    if (m->left_out == LINK_NONE)
        m->left_out = links[0];
    while (at < count && links[at] != m->left_out)
        at++;
    m->send(m->node, links, at, lane, frame);
    if (at < count)
        m->send(m->node, links + at + 1, count - at - 1, lane, frame);
}

static void let_go(misbehaviour_t *m) {
    held_t held = *(held_t *)ring_at(&m->held, 0);
    ring_pop(&m->held);
    m->send(m->node, held.links, held.count, held.lane, bytes_of(held.frame, held.size));
    free(held.links);
}

static void wait_for_next(misbehaviour_t *m);

static void on_release(uv_timer_t *timer) {
    misbehaviour_t *m = timer->data;
    while (m->held.count > 0 && ((held_t *)ring_at(&m->held, 0))->at_ns <= uv_hrtime())
        let_go(m);
    wait_for_next(m);
}

static void wait_for_next(misbehaviour_t *m) {
    if (m->held.count == 0)
        return;
    uint64_t at = ((held_t *)ring_at(&m->held, 0))->at_ns, now = uv_hrtime();
    uv_update_time(&m->node->loop);
    uv_timer_start(&m->release, on_release, at > now ? (at - now + 999999) / 1000000 : 1, 0);
}

static void show_certificates(misbehaviour_t *m, const link_t *links, uint32_t count, lane_t lane,
                              const message_t *proposal, size_t room) {
    uint8_t *to = malloc(room);
    ensure(to != NULL);
    size_t size = certificates_frame(m->node, proposal, to, room);
    if (size > 0)
        m->send(m->node, links, count, lane, bytes_of(to, size));
    free(to);
}

static void hold(misbehaviour_t *m, const link_t *links, uint32_t count, lane_t lane,
                 bytes_t frame) {
    size_t links_size = count * sizeof *links;
    held_t held = {uv_hrtime() + m->ways.hold_ns, lane, count, frame.size, NULL, NULL};
    held.links = malloc(links_size + frame.size);
    ensure(held.links != NULL);
    held.frame = (uint8_t *)held.links + links_size;
    memcpy(held.links, links, links_size);
    memcpy(held.frame, frame.data, frame.size);
    if (m->held.count == HELD_MAX)
        let_go(m);
    bool kept = ring_push(&m->held, &held);
    ensure(kept);
    wait_for_next(m);
}

static void misbehave_send(void *context, const link_t *links, uint32_t count, lane_t lane,
                           bytes_t frame) {
    misbehaviour_t *m = *faults_misbehaviour(context);
    message_t message;
    bytes_t payload;
    if (m->ways.silent || count == 0)
        return;
    if (m->ways.equivocate) {
        send_both(m, links, count, lane, frame);
        return;
    }
    bool proposes = (m->ways.withhold || m->ways.hold_ns > 0) &&
                    own_message(m->node, &m->decode, frame, &message, &payload) &&
                    is_proposal(m->node, &message);
    if (proposes && m->ways.withhold)
        send_without_one(m, links, count, lane, frame);
    else if (proposes) {
        show_certificates(m, links, count, lane, &message, frame.size);
        hold(m, links, count, lane, frame);
    } else
        m->send(context, links, count, lane, frame);
}

static void on_turn(uv_check_t *turn) {
    const misbehaviour_t *m = turn->data;
    (void)usleep((useconds_t)m->ways.slow_us);
}

/* ---- what is asked for ---- */

static bool take_number(const char *word, const char *name, uint64_t most, uint64_t *to) {
    char *end = NULL;
    size_t length = strlen(name);
    if (strncmp(word, name, length) != 0)
        return false;
    *to = strtoull(word + length, &end, 10);
    return end != word + length && *end == '\0' && *to <= most;
}

static bool take_word(const misbehaviour_t *m, const char *word, ways_t *ways) {
    uint64_t percent = 0;
    if (strcmp(word, "equivocate") == 0)
        ways->equivocate = true;
    else if (strcmp(word, "withhold") == 0)
        ways->withhold = true;
    else if (strcmp(word, "silent") == 0)
        ways->silent = true;
    else if (take_number(word, "delay=", 1000, &percent))
        ways->hold_ns = m->node->home.genesis.parameters.core.view_timeout_ns / 100 * percent;
    else
        return take_number(word, "slow=", MISBEHAVE_SLOW_MAX_US, &ways->slow_us);
    return true;
}

static bool take_words(const misbehaviour_t *m, char *words, ways_t *ways) {
    words[strcspn(words, "\n")] = '\0';
    for (char *word; (word = strsep(&words, ",")) != NULL;)
        if (word[0] != '\0' && !take_word(m, word, ways))
            return false;
    return true;
}

static void change_ways(misbehaviour_t *m, ways_t ways) {
    m->ways = ways;
    while (m->held.count > 0)
        let_go(m);
    if (ways.slow_us > 0)
        uv_check_start(&m->turn, on_turn);
    else
        uv_check_stop(&m->turn);
}

static void on_signal(uv_signal_t *handle, int number) {
    misbehaviour_t *m = handle->data;
    file_path_t path;
    file_content_t content = {0};
    reason_t reason;
    ways_t ways = {0};
    (void)number;
    synod_status status = file_join(&path, m->node->home.path.text, MISBEHAVE_FILE, &reason);
    if (status == SYNOD_OK)
        status = file_read(path.text, WORDS_MAX, FILE_PUBLIC, &content, &reason);
    if (status == SYNOD_OK && !take_words(m, content.text, &ways))
        status = reason_set(&reason, SYNOD_BAD_CONFIG,
                            "%s names what is not equivocate, withhold, silent, delay=PERCENT or "
                            "slow=US",
                            path.text);
    if (status == SYNOD_OK)
        change_ways(m, ways);
    log_event(&m->node->log, LOG_WARNING, "faults", "misbehave",
              "equivocate=%d withhold=%d silent=%d hold_ms=%llu slow_us=%llu %s", ways.equivocate,
              ways.withhold, ways.silent, (unsigned long long)ways.hold_ns / 1000000,
              (unsigned long long)ways.slow_us, status == SYNOD_OK ? "from here on" : reason.text);
    file_free(&content);
}

/* ---- open, bind, free ---- */

misbehaviour_t *misbehave_open(node_t *node) {
    misbehaviour_t *m = calloc(1, sizeof *m);
    size_t size = message_arena_bytes(node->home.genesis.member_count);
    void *decode = malloc(size), *held = malloc(HELD_MAX * sizeof(held_t));
    if (m == NULL || decode == NULL || held == NULL) {
        free(m);
        free(decode);
        free(held);
        return NULL;
    }
    m->node = node;
    m->decode = arena_of(decode, size);
    m->held = ring_of(held, sizeof(held_t), HELD_MAX);
    uv_signal_init(&node->loop, &m->signal);
    uv_timer_init(&node->loop, &m->release);
    uv_check_init(&node->loop, &m->turn);
    m->signal.data = m->release.data = m->turn.data = m;
    uv_signal_start(&m->signal, on_signal, SIGUSR2);
    return m;
}

void misbehave_bind(node_t *node) {
    misbehaviour_t *m = *faults_misbehaviour(node);
    m->send = node->host.send;
    node->host.send = misbehave_send;
}

void misbehave_free(misbehaviour_t *m) {
    if (m == NULL)
        return;
    for (; m->held.count > 0; ring_pop(&m->held))
        free(((held_t *)ring_at(&m->held, 0))->links);
    free(m->held.items);
    free(m->decode.base);
    free(m);
}

#endif
