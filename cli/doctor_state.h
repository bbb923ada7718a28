/* What the files of the doctor's judgement share. */
#ifndef CLI_DOCTOR_STATE_H
#define CLI_DOCTOR_STATE_H

#include "cli/doctor_judge.h"

#define ULL(value) ((unsigned long long)(value))
#define EVIDENCE(finding, ...) snprintf((finding)->evidence, sizeof(finding)->evidence, __VA_ARGS__)
#define ADVICE(finding, ...) snprintf((finding)->todo, sizeof(finding)->todo, __VA_ARGS__)

static inline const survey_t *first_round(const doctor_input_t *in) {
    return in->rounds[0];
}
static inline const survey_t *last_round(const doctor_input_t *in) {
    return in->rounds[DOCTOR_ROUNDS - 1];
}
/* Its row of the last round; NULL: it did not answer then. */
static inline const survey_row_t *row_of(const doctor_input_t *in, uint32_t member) {
    const survey_row_t *row = &last_round(in)->rows[member];
    return row->answered ? row : NULL;
}

finding_t *doctor_add(findings_t *findings, uint32_t member, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Of one that answered at least once. */
void doctor_judge_member(const doctor_input_t *in, findings_t *findings, uint32_t member);

#endif
