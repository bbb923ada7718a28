/* One look at all validators of a chain: what each says about itself, and what it says of others.
 */
#ifndef CLI_SURVEY_H
#define CLI_SURVEY_H

#include "cli/connect.h"

typedef struct survey_row {
    uint32_t member;
    bool answered;
    uint64_t took_ns;
    char trouble[160]; /* why there is no answer, as far as is known */
    status_report_t report;
    uint8_t *room; /* the report borrows from it */
} survey_row_t;

typedef struct survey {
    uint32_t size, answering;
    uint64_t at_ns;      /* when it was taken; 0: not yet */
    uint64_t wall_ns;    /* when it was asked, by this machine's clock, since 1970 */
    size_t report_bytes; /* room of each */
    survey_row_t *rows;
} survey_t;

/* False, with a line on standard error: no memory. */
bool survey_open(survey_t *survey, synod_client *client);
/* Asks all and waits for at most `timeout_ns`, for those who are not connected `unlinked_ns`. */
void survey_take(survey_t *survey, synod_client *client, uint64_t timeout_ns, uint64_t unlinked_ns);
void survey_close(survey_t *survey);

#endif
