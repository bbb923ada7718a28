/* What is done to validators while they are under load: killed, started again, made to lie. */
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bench.h"
#include "node/faults.h"
#include "node/misbehave.h"

#define DELAY_PERCENT 80u /* unless said */
#define DELAY_PERCENT_MAX 200u

static const struct {
    const char *name, *text;
} marks[MARK_KINDS] = {
    [MARK_KILL] = {"kill", "was killed (kill -9)"},
    [MARK_RESTART] = {"restart", "started again"},
    [MARK_EQUIVOCATE] = {"equivocate", "equivocates from here on"},
    [MARK_WITHHOLD] = {"withhold", "keeps its proposals from one member from here on"},
    [MARK_SILENT] = {"silent", "says nothing from here on"},
    [MARK_DELAY] = {"delay", "holds its proposals from here on for"},
    [MARK_SLOW] = {"slow", "is slow from here on: each turn of its loop takes longer by"},
    [MARK_VIEW_CHANGE] = {"view-change", NULL},
};

const char *mark_name(mark_kind_t kind) {
    return marks[kind].name;
}

void mark_text(const mark_t *mark, char *to, size_t to_size) {
    char name[16] = "not known", amount[48] = "";
    if (mark->member != MEMBER_NONE)
        snprintf(name, sizeof name, "%u", mark->member);
    if (mark->kind == MARK_DELAY)
        snprintf(amount, sizeof amount, " %llu %% of the time-out",
                 (unsigned long long)mark->amount);
    else if (mark->kind == MARK_SLOW)
        snprintf(amount, sizeof amount, " %.3g ms", (double)mark->amount / 1e3);
    if (mark->kind == MARK_VIEW_CHANGE)
        snprintf(to, to_size, "the view changed to %llu, leader %s", (unsigned long long)mark->view,
                 name);
    else
        snprintf(to, to_size, "validator %s%s %s%s", name, mark->led ? ", the leader," : "",
                 marks[mark->kind].text, amount);
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

static void kill_validator(bench_t *b, uint32_t member) {
    bench_keep_counts(b, member);
    atomic_store(&b->up[member], false);
    cluster_kill(&b->cluster, member);
}

void bench_kill_dead(bench_t *b) {
    for (uint32_t i = 0; i < b->dead; i++)
        kill_validator(b, b->cluster.size - 1 - i);
}

static bool restart_validator(bench_t *b, uint32_t member) {
    if (!cluster_start(&b->cluster, member)) {
        (void)failed(b->verb, "validator %u cannot be started again", member);
        return false;
    }
    atomic_store(&b->answers[member], false);
    atomic_store(&b->up[member], true);
    return true;
}

/* The validator reads it at the signal: node/misbehave.h. */
static bool make_misbehave(bench_t *b, const strike_t *what, uint32_t member) {
    char path[4096];
    cluster_path(&b->cluster, member, MISBEHAVE_FILE, path, sizeof path);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    fputs(mark_name(what->kind), file);
    if (what->amount > 0)
        fprintf(file, "=%llu", (unsigned long long)what->amount);
    return fclose(file) == 0 && kill(b->cluster.processes[member], SIGUSR2) == 0;
}

static bool carry_out(bench_t *b, const strike_t *what, uint32_t member, bool led) {
    mark_t *mark = bench_mark(b, what->kind, member);
    if (mark != NULL) {
        mark->led = led;
        mark->amount = what->amount;
    }
    if (what->kind == MARK_RESTART)
        return restart_validator(b, member);
    if (what->kind != MARK_KILL)
        return make_misbehave(b, what, member);
    kill_validator(b, member);
    return true;
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
        member = what->kind == MARK_RESTART ? last_killed(b) : leader;
    if (member == MEMBER_NONE)
        return what->kind == MARK_RESTART; /* what it should start was never killed */
    bool runs = atomic_load(&b->up[member]), led = member == leader;
    if (runs != (what->kind == MARK_RESTART)) /* else nothing to do: told at the end */
        b->strikes_hit += carry_out(b, what, member, led && runs);
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

/* "20ms" up to what ends it. */
static bool take_slowness(const char **at, uint64_t *us) {
    char word[32];
    size_t length = strcspn(*at, "@,");
    uint64_t ns;
    if (length >= sizeof word)
        return false;
    memcpy(word, *at, length);
    word[length] = '\0';
    *at += length;
    if (!options_duration(word, &ns))
        return false;
    *us = ns / 1000;
    return *us > 0 && *us <= MISBEHAVE_SLOW_MAX_US;
}

static bool take_percent(const char **at, uint64_t *percent) {
    char *end;
    if (!isdigit((unsigned char)**at))
        return false;
    *percent = strtoul(*at, &end, 10);
    *at = end + (*end == '%');
    return *end == '%' && *percent > 0 && *percent <= DELAY_PERCENT_MAX;
}

/* ":equivocate", ":slow=20ms", ":delay", ":delay=90%". */
static bool take_way(const char **at, strike_t *to) {
    for (mark_kind_t kind = MARK_EQUIVOCATE; kind <= MARK_SLOW; kind++) {
        size_t length = strlen(marks[kind].name);
        if (**at != ':' || strncmp(*at + 1, marks[kind].name, length) != 0)
            continue;
        to->kind = kind;
        to->amount = kind == MARK_DELAY ? DELAY_PERCENT : 0;
        *at += 1 + length;
        if (**at != '=')
            return kind != MARK_SLOW;
        ++*at;
        return kind == MARK_DELAY  ? take_percent(at, &to->amount)
               : kind == MARK_SLOW ? take_slowness(at, &to->amount)
                                   : false;
    }
    return false;
}

static bool take_strike(const bench_t *b, const char **at, strike_t *to) {
    if (!take_member(b, at, &to->member) || (to->kind == MARK_EQUIVOCATE && !take_way(at, to)))
        return false;
    return *(*at)++ == '@' && take_time(at, &to->at_ns) && to->at_ns < b->duration_ns;
}

/* A list with commas; inserted by time, those of one time as they were said. -1, or the exit code.
 */
static int read_list(bench_t *b, const char *flag, const char *text, mark_kind_t kind) {
    for (const char *at = text; at != NULL; at = *at == ',' ? at + 1 : NULL) {
        strike_t wanted = {.kind = kind};
        if (!take_strike(b, &at, &wanted) || (*at != '\0' && *at != ','))
            return usage_error(b->verb,
                               "--%s: \"%s\" is not %s, with a validator of this chain (0 to %llu) "
                               "or the word leader, and a time within --duration",
                               flag, text,
                               kind == MARK_EQUIVOCATE
                                   ? "1:HOW@5s (HOW: equivocate, withhold, silent, "
                                     "delay[=PERCENT%] or slow=TIME)"
                                   : "0@5s",
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
        down += b->strikes[i].kind == MARK_KILL;
        down -= b->strikes[i].kind == MARK_RESTART;
        if (down < 0)
            return usage_error(b->verb, "--restart: nothing was killed before it; add --kill");
    }
    return -1;
}

int strikes_read(bench_t *b) {
    int code = b->kill == NULL ? -1 : read_list(b, "kill", b->kill, MARK_KILL);
    if (code < 0 && b->restart != NULL)
        code = read_list(b, "restart", b->restart, MARK_RESTART);
    if (code < 0 && b->byzantine != NULL)
        code = read_list(b, "byzantine", b->byzantine, MARK_EQUIVOCATE);
    if (code < 0 && b->byzantine != NULL && !faults_built())
        code = usage_error(b->verb, "--byzantine: this build has no fault hooks (make faults)");
    return code < 0 ? judge_restarts(b) : code;
}
