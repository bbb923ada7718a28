/* What is done to validators while they are under load: killed, started again, made to lie. */
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "node/faults.h"

static const char *const mark_names[MARK_KINDS] = {
    [MARK_KILL] = "kill",
    [MARK_RESTART] = "restart",
    [MARK_EQUIVOCATE] = "equivocate",
    [MARK_VIEW_CHANGE] = "view-change",
};

const char *mark_name(mark_kind_t kind) {
    return mark_names[kind];
}

void mark_text(const mark_t *mark, char *to, size_t to_size) {
    char name[16] = "not known";
    if (mark->member != MEMBER_NONE)
        snprintf(name, sizeof name, "%u", mark->member);
    const char *led = mark->led ? ", the leader," : "";
    switch (mark->kind) {
    case MARK_KILL:
        snprintf(to, to_size, "validator %s%s was killed (kill -9)", name, led);
        break;
    case MARK_RESTART:
        snprintf(to, to_size, "validator %s started again", name);
        break;
    case MARK_EQUIVOCATE:
        snprintf(to, to_size, "validator %s%s equivocates from here on", name, led);
        break;
    default:
        snprintf(to, to_size, "the view changed to %llu, leader %s", (unsigned long long)mark->view,
                 name);
        break;
    }
}

mark_t *bench_mark(bench_t *b, mark_kind_t kind, uint32_t member) {
    uv_mutex_lock(&b->marks_mutex);
    unsigned count = atomic_load(&b->mark_count);
    mark_t *mark = count < MARKS_MAX ? &b->marks[count] : NULL;
    if (mark != NULL) {
        mark->kind = kind;
        mark->member = member;
        mark->at_ns = monotonic_ns() - b->from_ns;
        atomic_store(&b->mark_count, count + 1);
        if (kind != MARK_VIEW_CHANGE) /* answers look at it from here on */
            atomic_store(&b->struck, count + 1);
    }
    uv_mutex_unlock(&b->marks_mutex);
    return mark;
}

/* ---- carrying out ---- */

static void kill_validator(bench_t *b, uint32_t member, bool led) {
    bench_keep_counts(b, member);
    atomic_store(&b->up[member], false);
    mark_t *mark = bench_mark(b, MARK_KILL, member);
    if (mark != NULL)
        mark->led = led;
    cluster_kill(&b->cluster, member);
}

static void restart_validator(bench_t *b, uint32_t member) {
    if (!cluster_start(&b->cluster, member)) {
        (void)failed(b->verb, "validator %u cannot be started again", member);
        return;
    }
    (void)bench_mark(b, MARK_RESTART, member);
    atomic_store(&b->answers[member], false);
    atomic_store(&b->up[member], true);
}

static void make_lie(bench_t *b, uint32_t member, bool led) {
    mark_t *mark = bench_mark(b, MARK_EQUIVOCATE, member);
    if (mark != NULL)
        mark->led = led;
    kill(b->cluster.processes[member], SIGUSR2); /* node/faults.h */
}

/* Who was killed last and is still down; MEMBER_NONE: nobody. */
static uint32_t last_killed(const bench_t *b) {
    for (unsigned i = atomic_load(&b->mark_count); i > 0; i--)
        if (b->marks[i - 1].kind == MARK_KILL && !atomic_load(&b->up[b->marks[i - 1].member]))
            return b->marks[i - 1].member;
    return MEMBER_NONE;
}

/* False: not yet, nobody knows who leads. */
static bool strike(bench_t *b, const strike_t *what) {
    unsigned leader = atomic_load(&b->leader);
    uint32_t member = what->member;
    if (member == STRIKE_LEADER)
        member = what->kind == STRIKE_RESTART ? last_killed(b) : leader;
    if (member == MEMBER_NONE)
        return what->kind == STRIKE_RESTART; /* what it should start was never killed */
    bool runs = atomic_load(&b->up[member]), led = member == leader;
    if (runs == (what->kind == STRIKE_RESTART))
        return true; /* nothing to do: told at the end */
    b->strikes_hit++;
    if (what->kind == STRIKE_KILL)
        kill_validator(b, member, led);
    else if (what->kind == STRIKE_RESTART)
        restart_validator(b, member);
    else
        make_lie(b, member, led);
    return true;
}

void strikes_advance(bench_t *b, uint64_t now_ns) {
    while (b->strikes_done < b->strike_count &&
           b->from_ns + b->strikes[b->strikes_done].at_ns <= now_ns &&
           strike(b, &b->strikes[b->strikes_done]))
        b->strikes_done++;
}

/* ---- reading the flags ---- */

/* "leader" or a number, moved behind it. */
static bool take_member(const bench_t *b, const char **at, uint32_t *member) {
    char *end;
    *member = STRIKE_LEADER;
    if (strncmp(*at, "leader", 6) == 0) {
        *at += 6;
        return true;
    }
    if (!isdigit((unsigned char)**at))
        return false;
    unsigned long number = strtoul(*at, &end, 10);
    *at = end;
    *member = (uint32_t)number;
    return number < b->local.count;
}

static bool take_time(const char **at, uint64_t *to) {
    char word[32];
    size_t length = strcspn(*at, ",");
    if (length >= sizeof word)
        return false;
    memcpy(word, *at, length);
    word[length] = '\0';
    *at += length;
    return options_duration(word, to);
}

static bool take_strike(const bench_t *b, const char **at, strike_t *to) {
    if (!take_member(b, at, &to->member))
        return false;
    if (to->kind == STRIKE_EQUIVOCATE) {
        if (strncmp(*at, ":equivocate", 11) != 0)
            return false;
        *at += 11;
    }
    return *(*at)++ == '@' && take_time(at, &to->at_ns) && to->at_ns < b->duration_ns;
}

/* A list with commas; inserted by time, those of one time as they were said. -1, or the exit code.
 */
static int read_list(bench_t *b, const char *flag, const char *text, strike_kind_t kind) {
    for (const char *at = text; at != NULL; at = *at == ',' ? at + 1 : NULL) {
        strike_t wanted = {.kind = kind};
        if (!take_strike(b, &at, &wanted) || (*at != '\0' && *at != ','))
            return usage_error(b->verb,
                               "--%s: \"%s\" is not %s, with a validator of this chain (0 to %llu) "
                               "or the word leader, and a time within --duration",
                               flag, text, kind == STRIKE_EQUIVOCATE ? "1:equivocate@5s" : "0@5s",
                               (unsigned long long)b->local.count - 1);
        if (b->strike_count == STRIKES_MAX)
            return usage_error(b->verb, "--kill, --restart, --byzantine: at most %u in all",
                               STRIKES_MAX);
        uint32_t place = b->strike_count++;
        for (; place > 0 && b->strikes[place - 1].at_ns > wanted.at_ns; place--)
            b->strikes[place] = b->strikes[place - 1];
        b->strikes[place] = wanted;
    }
    return -1;
}

/* Somebody must be down for each restart to have a meaning. */
static int judge_restarts(const bench_t *b) {
    int down = 0;
    for (uint32_t i = 0; i < b->strike_count; i++) {
        down += b->strikes[i].kind == STRIKE_KILL;
        down -= b->strikes[i].kind == STRIKE_RESTART;
        if (down < 0)
            return usage_error(b->verb, "--restart: nothing was killed before it; add --kill");
    }
    return -1;
}

int strikes_read(bench_t *b) {
    int code = b->kill == NULL ? -1 : read_list(b, "kill", b->kill, STRIKE_KILL);
    if (code < 0 && b->restart != NULL)
        code = read_list(b, "restart", b->restart, STRIKE_RESTART);
    if (code < 0 && b->byzantine != NULL)
        code = read_list(b, "byzantine", b->byzantine, STRIKE_EQUIVOCATE);
    if (code < 0 && b->byzantine != NULL && !faults_built())
        code = usage_error(b->verb, "--byzantine: this build has no fault hooks (make faults)");
    return code < 0 ? judge_restarts(b) : code;
}
