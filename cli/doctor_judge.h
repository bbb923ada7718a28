/* What the doctor concludes from what was seen: no I/O, so that a test can show it any cluster. */
#ifndef CLI_DOCTOR_JUDGE_H
#define CLI_DOCTOR_JUDGE_H

#include "adapter/genesis.h"
#include "cli/survey.h"

/* Looks at the cluster, one after the other. */
#define DOCTOR_ROUNDS 10
#define FINDINGS_MAX 64

/* Slower than this and ten times slower than the others: a member is slow. */
#define SLOW_ANSWER_NS UINT64_C(250000000)
/* A disk whose syncs take longer on average is slow: each block waits for one. */
#define SLOW_SYNC_NS UINT64_C(50000000)
/* Clocks that are further apart. Blocks of the future are refused at 10 s (clock_drift_ns). */
#define CLOCK_APART_NS UINT64_C(1000000000)
/* Silence of a connected member: it is asked for a sign of life every 5 s. */
#define SILENT_MS 6500
/* Blocks behind: as many as are kept in memory for those who are a little behind. */
#define LAG_BLOCKS 72
/* Free part of a disk below which it is nearly full: one in so many. */
#define NEARLY_FULL 20

/* What this machine knows of a member's home, when the homes are here. */
typedef struct doctor_home {
    bool here;
    char wrong[400]; /* why it cannot run; empty: nothing */
} doctor_home_t;

typedef struct doctor_input {
    const genesis_t *genesis;
    const committee_t *committee; /* the genesis' */
    const survey_t *rounds[DOCTOR_ROUNDS];
    const doctor_home_t *homes; /* one a member; NULL: none is here */
} doctor_input_t;

typedef struct finding {
    uint32_t member; /* MEMBER_NONE: the chain as a whole */
    char what[240], evidence[720], todo[240];
} finding_t;

typedef struct findings {
    finding_t items[FINDINGS_MAX];
    uint32_t count; /* more than there is room for are counted and not kept */
} findings_t;

void doctor_judge(const doctor_input_t *input, findings_t *findings);

#endif
