/* See survey.h. */
#include "cli/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "node/client_look.h"

bool survey_open(survey_t *survey, synod_client *client) {
    uint32_t size = synod_client_members(client);
    *survey = (survey_t){.size = size,
                         .report_bytes = STATUS_FIXED_BYTES + (size_t)STATUS_PEER_BYTES * size,
                         .rows = calloc(size, sizeof *survey->rows)};
    bool good = survey->rows != NULL;
    for (uint32_t i = 0; good && i < size; i++) {
        survey->rows[i].member = i;
        survey->rows[i].room = malloc(survey->report_bytes);
        good = survey->rows[i].room != NULL;
    }
    if (!good) {
        fprintf(stderr, "synod: out of memory\n");
        survey_close(survey);
    }
    return good;
}

static void take_row(void *context, const client_look_t *look) {
    survey_t *survey = context;
    survey_row_t *row = &survey->rows[look->member];
    row->answered = look->answered && look->report.size <= survey->report_bytes;
    row->took_ns = look->took_ns;
    snprintf(row->trouble, sizeof row->trouble, "%s", look->trouble);
    if (row->answered) {
        memcpy(row->room, look->report.data, look->report.size);
        reader_t reader = reader_of(bytes_of(row->room, look->report.size));
        row->answered = status_report_decode(&reader, &row->report) == SYNOD_OK;
        if (!row->answered)
            snprintf(row->trouble, sizeof row->trouble, "its answer cannot be read");
    }
    survey->answering += row->answered ? 1 : 0;
}

void survey_take(survey_t *survey, synod_client *client, uint64_t timeout_ns,
                 uint64_t unlinked_ns) {
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    survey->wall_ns = (uint64_t)wall.tv_sec * UINT64_C(1000000000) + (uint64_t)wall.tv_nsec;
    survey->answering = 0;
    client_look_all(client, timeout_ns, unlinked_ns, take_row, survey);
    survey->at_ns = monotonic_ns();
}

void survey_close(survey_t *survey) {
    for (uint32_t i = 0; survey->rows != NULL && i < survey->size; i++)
        free(survey->rows[i].room);
    free(survey->rows);
    survey->rows = NULL;
}
