/* What is wrong with one member that answers: slow, disk, clock, lag, version, state. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/doctor_state.h"

static uint64_t median(uint64_t *values, uint32_t count) {
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t j = i; j > 0 && values[j - 1] > values[j]; j--) {
            uint64_t value = values[j];
            values[j] = values[j - 1];
            values[j - 1] = value;
        }
    return count == 0 ? 0 : values[count / 2];
}

/* The usual answer of the others, over all rounds. */
static uint64_t usual_took_ns(const doctor_input_t *in, uint32_t but) {
    uint64_t values[DOCTOR_ROUNDS * 16];
    uint32_t count = 0;
    for (uint32_t round = 0; round < DOCTOR_ROUNDS; round++)
        for (uint32_t m = 0; m < last_round(in)->size && count < DOCTOR_ROUNDS * 16; m++)
            if (m != but && in->rounds[round]->rows[m].answered)
                values[count++] = in->rounds[round]->rows[m].took_ns;
    return median(values, count);
}

static void judge_slow_answers(const doctor_input_t *in, findings_t *findings, uint32_t member) {
    uint64_t usual = usual_took_ns(in, member), longest = 0;
    uint32_t slow = 0;
    for (uint32_t round = 0; round < DOCTOR_ROUNDS; round++) {
        const survey_row_t *row = &in->rounds[round]->rows[member];
        uint64_t took = row->answered ? row->took_ns : 2 * SLOW_ANSWER_NS;
        slow += !row->answered || (took > SLOW_ANSWER_NS && took > 10 * usual) ? 1 : 0;
        longest = took > longest ? took : longest;
    }
    /* Once may happen to anybody, but who does not answer now is not well. */
    if (slow < 2 && row_of(in, member) != NULL)
        return;
    finding_t *finding = doctor_add(findings, member, "member %" PRIu32 " is slow", member);
    EVIDENCE(finding,
             "%" PRIu32 " of %d questions took it more than %.0f ms or went unanswered (up to "
             "%.0f ms); the others usually take %.1f ms",
             slow, DOCTOR_ROUNDS, (double)SLOW_ANSWER_NS / 1e6, (double)longest / 1e6,
             (double)usual / 1e6);
    ADVICE(finding, "look at the load of its machine (processor, memory, swap) and at its network");
}

/* Nanoseconds a sync: of this while if there were some, else since its start. */
static uint64_t sync_time_ns(const doctor_input_t *in, uint32_t member) {
    const survey_row_t *before = &first_round(in)->rows[member], *now = row_of(in, member);
    uint64_t syncs = now->report.disk_syncs, took = now->report.disk_sync_ns;
    if (before->answered && syncs >= before->report.disk_syncs + 3) {
        syncs -= before->report.disk_syncs;
        took -= before->report.disk_sync_ns;
    }
    return syncs == 0 ? 0 : took / syncs;
}

static void judge_disk(const doctor_input_t *in, findings_t *findings, uint32_t member) {
    const status_report_t *r = &row_of(in, member)->report;
    uint64_t took = sync_time_ns(in, member), others[64];
    uint32_t count = 0;
    for (uint32_t m = 0; m < last_round(in)->size && count < 64; m++)
        if (m != member && row_of(in, m) != NULL)
            others[count++] = sync_time_ns(in, m);
    if (r->disk_full != 0) {
        finding_t *finding =
            doctor_add(findings, member, "the disk of member %" PRIu32 " is full", member);
        EVIDENCE(finding, "a write waits for room; %llu MiB of %llu MiB are free",
                 ULL(r->disk_free_bytes >> 20), ULL(r->disk_total_bytes >> 20));
        ADVICE(finding, "make room: it goes on by itself, and nothing is lost");
    } else if (r->disk_total_bytes > 0 && r->disk_free_bytes < r->disk_total_bytes / NEARLY_FULL) {
        finding_t *finding =
            doctor_add(findings, member, "the disk of member %" PRIu32 " is nearly full", member);
        EVIDENCE(finding, "%llu MiB of %llu MiB are free", ULL(r->disk_free_bytes >> 20),
                 ULL(r->disk_total_bytes >> 20));
        ADVICE(finding, "make room before it stops voting");
    }
    if (took > SLOW_SYNC_NS) {
        finding_t *finding =
            doctor_add(findings, member, "the disk of member %" PRIu32 " is slow", member);
        EVIDENCE(finding, "a sync takes %.0f ms (longest %.0f ms); those of the others %.1f ms",
                 (double)took / 1e6, (double)r->disk_sync_longest_ns / 1e6,
                 (double)median(others, count) / 1e6);
        ADVICE(finding, "what else writes to that disk? Each block waits for a sync");
    }
}

/* It does all but vote, so nothing else shows that a vote is missing. */
static void judge_mute(const doctor_input_t *in, findings_t *findings, uint32_t member) {
    if (row_of(in, member)->report.mute == 0)
        return;
    finding_t *finding = doctor_add(findings, member, "member %" PRIu32 " does not vote", member);
    EVIDENCE(finding, "it runs beside a journal that was begun anew: what its key signed before is "
                      "not known, so it signs no vote and no proposal");
    ADVICE(finding, "put back the journal that was lost, never an older copy; until then a quorum "
                    "has to do without it");
}

/* How far its clock is ahead of ours. */
static int64_t clock_ahead_ns(const doctor_input_t *in, uint32_t member) {
    const survey_row_t *row = row_of(in, member);
    uint64_t theirs = in->genesis->time_ns + row->report.time_ns;
    uint64_t ours = last_round(in)->wall_ns + row->took_ns / 2;
    return (int64_t)(theirs - ours);
}

static void judge_clock(const doctor_input_t *in, findings_t *findings, uint32_t member) {
    int64_t ahead = clock_ahead_ns(in, member);
    uint64_t apart[64], usual;
    uint32_t count = 0;
    for (uint32_t m = 0; m < last_round(in)->size && count < 64; m++)
        if (row_of(in, m) != NULL) /* shifted, so that the order is that of numbers without sign */
            apart[count++] = (uint64_t)clock_ahead_ns(in, m) ^ (UINT64_C(1) << 63);
    usual = median(apart, count) ^ (UINT64_C(1) << 63);
    int64_t more = ahead - (int64_t)usual;
    uint64_t size = (uint64_t)(more < 0 ? -more : more);
    if (size < CLOCK_APART_NS + row_of(in, member)->took_ns)
        return;
    finding_t *finding =
        doctor_add(findings, member, "the clock of member %" PRIu32 " is wrong", member);
    EVIDENCE(finding, "it is %.1f s %s the clocks of most", (double)size / 1e9,
             more > 0 ? "ahead of" : "behind");
    ADVICE(finding, "synchronise its time (chrony, systemd-timesyncd), then restart it");
}

static void judge_lag(const doctor_input_t *in, findings_t *findings, uint32_t member) {
    const survey_t *first = first_round(in), *last = last_round(in);
    uint64_t then = 0, now = 0;
    for (uint32_t m = 0; m < last->size; m++) {
        if (first->rows[m].answered && first->rows[m].report.final > then)
            then = first->rows[m].report.final;
        if (last->rows[m].answered && last->rows[m].report.final > now)
            now = last->rows[m].report.final;
    }
    const status_report_t *r = &row_of(in, member)->report;
    uint64_t lag = now > r->executed ? now - r->executed : 0;
    bool known = first->rows[member].answered;
    uint64_t before = known && then > first->rows[member].report.executed
                          ? then - first->rows[member].report.executed
                          : 0;
    if (lag <= LAG_BLOCKS)
        return;
    bool better = known && lag < before;
    finding_t *finding = doctor_add(findings, member, "member %" PRIu32 " is behind%s", member,
                                    better ? " and catches up" : " and does not catch up");
    EVIDENCE(finding, "it has executed height %llu, final is %llu; %llu blocks behind, %llu before",
             ULL(r->executed), ULL(now), ULL(lag), ULL(before));
    ADVICE(finding, "%s",
           better ? "wait" : "look at its disk, processor and network, and at its log");
}

static void judge_version(const doctor_input_t *in, findings_t *findings, uint32_t member) {
    uint32_t mine = row_of(in, member)->report.version, same = 0, others = 0, other = 0;
    for (uint32_t m = 0; m < last_round(in)->size; m++) {
        const survey_row_t *row = row_of(in, m);
        if (row == NULL)
            continue;
        same += row->report.version == mine ? 1 : 0;
        others += row->report.version != mine ? 1 : 0;
        other = row->report.version != mine ? row->report.version : other;
    }
    if (others <= same)
        return;
    finding_t *finding =
        doctor_add(findings, member, "member %" PRIu32 " runs another version than most", member);
    EVIDENCE(finding, "%u.%u.%u, and %" PRIu32 " others run %u.%u.%u", mine >> 16, mine >> 8 & 255,
             mine & 255, others, other >> 16, other >> 8 & 255, other & 255);
    ADVICE(finding, "bring it to the version of the others");
}

/* Another root of one height than most have, by the weight of their votes. */
static void judge_root(const doctor_input_t *in, findings_t *findings, uint32_t member) {
    const status_report_t *r = &row_of(in, member)->report;
    uint64_t same = 0, differ = 0;
    uint32_t others = 0;
    for (uint32_t m = 0; m < last_round(in)->size; m++) {
        const survey_row_t *row = row_of(in, m);
        if (row == NULL || r->root_height == 0 || row->report.root_height != r->root_height)
            continue;
        bool equal = digest_equal(&row->report.root, &r->root);
        *(equal ? &same : &differ) += committee_weight(in->committee, m);
        others += equal ? 0 : 1;
    }
    if (differ == 0 || differ < same)
        return;
    /* In halves nobody is the odd one, and all are told of it. */
    finding_t *finding =
        doctor_add(findings, member, "member %" PRIu32 " has another state than %s", member,
                   differ > same ? "most" : "half of them");
    EVIDENCE(finding, "at height %llu its root is %02x%02x%02x%02x, and %" PRIu32 " others differ",
             ULL(r->root_height), r->root.bytes[0], r->root.bytes[1], r->root.bytes[2],
             r->root.bytes[3], others);
    ADVICE(finding,
           "stop it and keep its data for a look: its memory, disk or program is at fault");
}

void doctor_judge_member(const doctor_input_t *in, findings_t *findings, uint32_t member) {
    judge_slow_answers(in, findings, member);
    if (row_of(in, member) == NULL)
        return; /* it did answer before: what is to be said of it was said */
    judge_mute(in, findings, member);
    judge_disk(in, findings, member);
    judge_clock(in, findings, member);
    judge_lag(in, findings, member);
    judge_version(in, findings, member);
    judge_root(in, findings, member);
}
