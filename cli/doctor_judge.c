/* See doctor_judge.h. Each judgement looks for one kind of trouble; what explains more comes first.
 */
#include "cli/doctor_state.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

finding_t *doctor_add(findings_t *findings, uint32_t member, const char *format, ...) {
    static finding_t beyond;
    bool room = findings->count < FINDINGS_MAX;
    finding_t *finding = room ? &findings->items[findings->count] : &beyond;
    va_list arguments;
    findings->count++;
    *finding = (finding_t){.member = member};
    va_start(arguments, format);
    vsnprintf(finding->what, sizeof finding->what, format, arguments);
    va_end(arguments);
    return finding;
}

/* ---- who does not answer ---- */

static uint32_t rounds_answered(const doctor_input_t *in, uint32_t member) {
    uint32_t count = 0;
    for (uint32_t round = 0; round < DOCTOR_ROUNDS; round++)
        count += in->rounds[round]->rows[member].answered ? 1 : 0;
    return count;
}

/* How many of those that answer say that they are connected to it. */
static uint32_t connected_to(const doctor_input_t *in, uint32_t member) {
    uint32_t count = 0;
    for (uint32_t other = 0; other < last_round(in)->size; other++) {
        const survey_row_t *row = row_of(in, other);
        status_peer_t peer;
        count += row != NULL && other != member &&
                 status_report_peer(&row->report, member, &peer) && peer.connected != 0;
    }
    return count;
}

static void explain_refused(const doctor_input_t *in, findings_t *findings, uint32_t member,
                            const char *address) {
    finding_t *finding = doctor_add(findings, member, "member %" PRIu32 " is not running", member);
    EVIDENCE(finding,
             "nobody listens at %s (connection refused), %" PRIu32
             " of the others are connected to it",
             address, connected_to(in, member));
    ADVICE(finding, "start it; if it ends again, the last lines of its log say why");
}

/* How long ago any of the others heard it; UINT32_MAX: nobody is connected to it. */
static uint32_t heard_ms(const doctor_input_t *in, uint32_t member) {
    uint32_t least = UINT32_MAX;
    for (uint32_t other = 0; other < last_round(in)->size; other++) {
        const survey_row_t *row = row_of(in, other);
        status_peer_t peer;
        if (row != NULL && status_report_peer(&row->report, member, &peer) && peer.connected != 0 &&
            peer.silent_ms < least)
            least = peer.silent_ms;
    }
    return least;
}

static void explain_hanging(const doctor_input_t *in, findings_t *findings, uint32_t member,
                            const char *address) {
    const char *trouble = last_round(in)->rows[member].trouble;
    uint32_t heard = heard_ms(in, member);
    bool lives = heard < 1000;
    char others[80] = "none of the others is connected to it";
    finding_t *finding =
        lives
            ? doctor_add(findings, member, "member %" PRIu32 " does not answer us", member)
            : doctor_add(findings, member, "member %" PRIu32 " hangs or cannot be reached", member);
    if (heard != UINT32_MAX)
        snprintf(others, sizeof others, "the others heard it %.1f s ago", (double)heard / 1000);
    EVIDENCE(finding, "%s: %s; %s", address,
             trouble[0] != '\0' ? trouble : "no answer within the time-out", others);
    ADVICE(finding, "%s",
           lives ? "look at the network between here and there"
                 : "is the machine up, the process stopped, a firewall in between?");
}

static void judge_silent(const doctor_input_t *in, findings_t *findings, uint32_t member) {
    const char *trouble = last_round(in)->rows[member].trouble;
    const doctor_home_t *home = in->homes == NULL ? NULL : &in->homes[member];
    char address[ADDRESS_TEXT_MAX];
    address_print(&in->genesis->members[member].address, address);
    finding_t *finding;
    if (home != NULL && home->here && home->wrong[0] != '\0') {
        finding = doctor_add(findings, member, "member %" PRIu32 " is misconfigured", member);
        EVIDENCE(finding, "%s", home->wrong);
        ADVICE(finding, "put its files right: it cannot run as this member like that");
    } else if (strstr(trouble, "genesis file") != NULL || strstr(trouble, " differs: ") != NULL) {
        finding =
            doctor_add(findings, member, "member %" PRIu32 " runs with another genesis", member);
        EVIDENCE(finding, "%s: %s", address, trouble);
        ADVICE(finding, "give it the genesis.json of the others, then restart it");
    } else if (strstr(trouble, "pinned in the genesis") != NULL) {
        finding = doctor_add(findings, member,
                             "at the address of member %" PRIu32 " is somebody else", member);
        EVIDENCE(finding, "%s: %s", address, trouble);
        ADVICE(finding, "it runs with another node_key, or the genesis names a wrong address");
    } else if (strstr(trouble, "refused") != NULL) {
        explain_refused(in, findings, member, address);
    } else {
        explain_hanging(in, findings, member, address);
    }
}

/* ---- who does not hear whom ---- */

static bool hears(const doctor_input_t *in, uint32_t member, uint32_t other, status_peer_t *peer) {
    const survey_row_t *row = row_of(in, member);
    return row != NULL && status_report_peer(&row->report, other, peer) && peer->connected != 0;
}

/* Of those that answer: how many does it have no connection to, and how many are there? */
static uint32_t cut_off_from(const doctor_input_t *in, uint32_t member, uint32_t *others) {
    uint32_t cut = 0;
    *others = 0;
    for (uint32_t other = 0; other < last_round(in)->size; other++) {
        status_peer_t peer;
        if (other == member || row_of(in, other) == NULL)
            continue;
        *others += 1;
        cut += !hears(in, member, other, &peer) && !hears(in, other, member, &peer) ? 1 : 0;
    }
    return cut;
}

static void judge_one_way(const doctor_input_t *in, findings_t *findings, uint32_t deaf,
                          uint32_t other) {
    status_peer_t here, there;
    if (!hears(in, deaf, other, &here) || !hears(in, other, deaf, &there) ||
        here.silent_ms < SILENT_MS || there.silent_ms >= SILENT_MS)
        return;
    finding_t *finding = doctor_add(
        findings, deaf,
        "member %" PRIu32 " does not hear member %" PRIu32 " (one way: it is heard)", deaf, other);
    EVIDENCE(finding,
             "nothing came from %" PRIu32
             " for %.1f s, though a sign of life is asked for every few "
             "seconds; %" PRIu32 " heard %" PRIu32 " %.1f s ago",
             other, (double)here.silent_ms / 1000, other, deaf, (double)there.silent_ms / 1000);
    ADVICE(finding,
           "look at the network from member %" PRIu32 " to member %" PRIu32
           " (firewall, routes, asymmetric links)",
           other, deaf);
}

/* Is it cut off from so many that this explains its missing connections? */
static bool is_isolated(const doctor_input_t *in, uint32_t member) {
    uint32_t others, cut = cut_off_from(in, member, &others);
    return others >= 2 && 2 * cut > others;
}

static void judge_isolated(const doctor_input_t *in, findings_t *findings, uint32_t member) {
    uint32_t others, cut = cut_off_from(in, member, &others);
    finding_t *finding = doctor_add(
        findings, member, "member %" PRIu32 " is cut off from the other validators", member);
    EVIDENCE(finding,
             "it answers us and has no connection to %" PRIu32 " of %" PRIu32 " others that answer",
             cut, others);
    ADVICE(finding,
           "look at the network and firewall of its machine, at `listen` in its config, and at "
           "its log");
}

static void judge_pairs(const doctor_input_t *in, findings_t *findings) {
    uint32_t size = last_round(in)->size;
    for (uint32_t a = 0; a < size; a++) {
        if (row_of(in, a) != NULL && is_isolated(in, a))
            judge_isolated(in, findings, a);
        for (uint32_t b = a + 1; b < size; b++) {
            status_peer_t peer;
            if (row_of(in, a) == NULL || row_of(in, b) == NULL || is_isolated(in, a) ||
                is_isolated(in, b))
                continue;
            judge_one_way(in, findings, a, b);
            judge_one_way(in, findings, b, a);
            if (hears(in, a, b, &peer) || hears(in, b, a, &peer))
                continue;
            finding_t *finding = doctor_add(
                findings, b, "members %" PRIu32 " and %" PRIu32 " do not reach each other", a, b);
            EVIDENCE(finding, "both answer us, neither has a connection to the other");
            ADVICE(finding, "look at the network and firewalls between the two machines");
        }
    }
}

/* ---- the chain ---- */

static uint64_t highest_final(const survey_t *survey, uint64_t *pending, uint64_t *failed) {
    uint64_t highest = 0;
    *pending = *failed = 0;
    for (uint32_t m = 0; m < survey->size; m++) {
        const status_report_t *r = &survey->rows[m].report;
        if (!survey->rows[m].answered)
            continue;
        highest = r->final > highest ? r->final : highest;
        *pending = r->pending_requests > *pending ? r->pending_requests : *pending;
        *failed = r->views_failed > *failed ? r->views_failed : *failed;
    }
    return highest;
}

static bool is_mute(const doctor_input_t *in, uint32_t member) {
    const survey_row_t *row = row_of(in, member);
    return row != NULL && row->report.mute != 0;
}

/* Do those that answered at all, and vote, make a quorum? Votes have the weights of the genesis. */
static bool judge_quorum(const doctor_input_t *in, findings_t *findings) {
    const committee_t *committee = in->committee;
    uint32_t answering = 0, mute = 0;
    uint64_t weight = 0, needed = quorum_weight(committee, QUORUM_DECIDE);
    for (uint32_t m = 0; m < committee->size; m++) {
        bool answers = rounds_answered(in, m) > 0 && !is_mute(in, m);
        mute += is_mute(in, m) ? 1 : 0;
        answering += answers ? 1 : 0;
        weight += answers ? committee_weight(committee, m) : 0;
    }
    if (weight >= needed)
        return true;
    finding_t *finding = doctor_add(findings, MEMBER_NONE, "too few validators for a quorum");
    const char *voters = mute > 0 ? "answer and vote" : "answer";
    if (committee->weight_total == committee->size)
        EVIDENCE(finding, "%" PRIu32 " of %" PRIu32 " %s, %llu are needed", answering,
                 committee->size, voters, ULL(needed));
    else
        EVIDENCE(finding,
                 "%" PRIu32 " of %" PRIu32 " %s; their weight is %llu of %llu, %llu are needed",
                 answering, committee->size, voters, ULL(weight), ULL(committee->weight_total),
                 ULL(needed));
    ADVICE(finding,
           "bring the others back: nothing becomes final before that, and nothing is lost");
    return false;
}

static void judge_chain(const doctor_input_t *in, findings_t *findings) {
    uint64_t pending, waited, failed, failed_before;
    uint64_t now = highest_final(last_round(in), &pending, &failed);
    uint64_t before = highest_final(first_round(in), &waited, &failed_before);
    double seconds = (double)(last_round(in)->at_ns - first_round(in)->at_ns) / 1e9;
    if (!judge_quorum(in, findings))
        return; /* which explains whatever else stands still */
    if (pending > 0 && waited > 0 && now == before) {
        finding_t *finding =
            doctor_add(findings, MEMBER_NONE, "requests wait and nothing becomes final");
        EVIDENCE(finding, "height %llu for %.1f s, %llu requests wait, %llu views failed meanwhile",
                 ULL(now), seconds, ULL(pending), ULL(failed - failed_before));
        ADVICE(finding, "what is said above of members; else the logs of all");
    } else if (failed >= failed_before + 3) {
        finding_t *finding = doctor_add(findings, MEMBER_NONE, "views fail one after the other");
        EVIDENCE(finding, "%llu in %.1f s", ULL(failed - failed_before), seconds);
        ADVICE(finding, "a leader is slow, cut off or faulty: what is said above, else the logs");
    }
}

void doctor_judge(const doctor_input_t *in, findings_t *findings) {
    findings->count = 0;
    for (uint32_t m = 0; m < last_round(in)->size; m++) {
        if (rounds_answered(in, m) == 0)
            judge_silent(in, findings, m);
        else
            doctor_judge_member(in, findings, m);
    }
    judge_pairs(in, findings);
    judge_chain(in, findings);
}
