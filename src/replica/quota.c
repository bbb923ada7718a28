/* What one link may cost us, and what becomes of whoever wants more (attack N7). Nothing in here
 * looks at a link other than the one that asked, so nobody's valid message is lost for another's
 * flood. */
#include "replica/state.h"

/* A link sends frames that are wrong at this rate for ever, LINK_FAULTS_DEFAULT of them at once: an
 * honest one sends none, so whoever passes it is closed. */
#define FAULTS_PER_S 32
/* Work that a link asks for beside consensus (reads, attaches, old blocks): a quarter of the loop,
 * a quarter of a second at once. More is refused, not punished: an honest one may ask too fast. */
#define WORK_SHARE 4
#define WORK_AT_ONCE_NS UINT64_C(250000000)
/* Lines that one member, or all clients together, write into the log: one a second, 16 at once; how
 * many were held back is told every ten seconds. */
#define LINE_NS UINT64_C(1000000000)
#define LINES_AT_ONCE 16
#define LINES_TOLD_NS UINT64_C(10000000000)
/* A member whose link was closed for its faults may come back after 1 s, 2 s, ... 64 s; after ten
 * minutes without another time it starts at one second again. */
#define REFUSAL_NS UINT64_C(1000000000)
#define REFUSALS_MAX 6
#define REFUSAL_FORGOTTEN_NS UINT64_C(600000000000)

/* `*paid_until` is when all that was taken is paid for: each unit of cost is a nanosecond, one
 * comes in with each nanosecond that passes, and at most `at_once` may be owed. */
static bool take(uint64_t *paid_until, uint64_t now_ns, uint64_t cost, uint64_t at_once) {
    uint64_t from = *paid_until > now_ns ? *paid_until : now_ns;
    if (from - now_ns + cost > at_once)
        return false;
    *paid_until = from + cost;
    return true;
}

static guard_t *guard_of(const replica_t *r, member_t member) {
    return &r->guards[member == MEMBER_NONE ? r->config.committee->size : member];
}

void quota_log(replica_t *r, member_t member, int level, const char *module, const char *event,
               const char *format, ...) {
    guard_t *guard = guard_of(r, member);
    if (!take(&guard->lines_paid, r->now.now_ns, LINE_NS, LINES_AT_ONCE * LINE_NS)) {
        guard->lines_held++;
        r->lines_held++;
        if (r->lines_told_at == 0)
            r->lines_told_at = r->now.now_ns + LINES_TOLD_NS;
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    replica_log_list(r, level, module, event, format, arguments);
    va_end(arguments);
}

void quota_tick(replica_t *r) {
    if (r->lines_told_at == 0 || r->lines_told_at > r->now.now_ns)
        return;
    r->lines_told_at = 0;
    for (uint32_t i = 0; i <= r->config.committee->size; i++) {
        guard_t *guard = &r->guards[i];
        if (guard->lines_held == 0)
            continue;
        bool clients = i == r->config.committee->size;
        replica_log(r, 1, "log", "more",
                    "member=%d lines=%llu text=\"... and %llu more like these\"",
                    clients ? -1 : (int)i, (unsigned long long)guard->lines_held,
                    (unsigned long long)guard->lines_held);
        guard->lines_held = 0;
    }
}

bool quota_work(replica_t *r, replica_link_t *link, uint64_t cost_ns) {
    if (take(&link->work_paid, r->now.now_ns, cost_ns * WORK_SHARE, WORK_AT_ONCE_NS * WORK_SHARE))
        return true;
    r->quota_drops++;
    return false;
}

static void refuse_for_faults(replica_t *r, replica_link_t *link) {
    guard_t *guard = guard_of(r, link->member);
    if (link->member != MEMBER_NONE) {
        if (r->now.now_ns - guard->refused_until > REFUSAL_FORGOTTEN_NS &&
            r->now.now_ns > guard->refused_until)
            guard->refusals = 0;
        guard->refused_until = r->now.now_ns + (REFUSAL_NS << guard->refusals);
        guard->refusals += guard->refusals < REFUSALS_MAX ? 1 : 0;
    }
    r->links_refused++;
    refuse_link(r, link, SYNOD_INVALID, "too many frames that are wrong: come back later");
}

bool quota_refused(const replica_t *r, member_t member) {
    return member != MEMBER_NONE && guard_of(r, member)->refused_until > r->now.now_ns;
}

void quota_fault(replica_t *r, replica_link_t *link, uint32_t weight) {
    uint64_t unit = UINT64_C(1000000000) / FAULTS_PER_S;
    if (!take(&link->faults_paid, r->now.now_ns, weight * unit, r->config.link_faults * unit))
        refuse_for_faults(r, link);
}

void gate_drop(replica_t *r, replica_link_t *link, synod_status why, const char *what,
               uint32_t weight) {
    r->frames_dropped++;
    r->figures.drops[why]++;
    if (why == SYNOD_BAD_SIGNATURE)
        r->signatures_bad++;
    quota_log(r, link->member, 2, "gate", "drop", "link=%llu member=%d what=%s why=\"%s\"",
              (unsigned long long)link->link, link->member == MEMBER_NONE ? -1 : (int)link->member,
              what, synod_status_text(why));
    quota_fault(r, link, weight);
}
