/* Dates of RFC 3339 in UTC, in whole seconds; no time zone data, no locale. */
#include <inttypes.h>
#include <stdio.h>

#include "adapter/genesis_table.h"

#define SECOND_NS UINT64_C(1000000000)
#define DAY_SECONDS UINT64_C(86400)
#define YEAR_FIRST 1970
#define YEAR_LAST 2500

static bool is_leap(uint32_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static uint32_t days_of_month(uint32_t year, uint32_t month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

static uint64_t days_before_year(uint32_t year) {
    uint64_t days = 0;
    for (uint32_t at = YEAR_FIRST; at < year; at++) {
        days += is_leap(at) ? 366 : 365;
    }
    return days;
}

/* A field of digits, as wide as in the pattern; everything else as it stands there. */
static bool scan(const char *text, uint32_t fields[6]) {
    static const char pattern[] = "0000-11-22T33:44:55Z";
    for (size_t at = 0; at < sizeof pattern; at++) {
        char wanted = pattern[at];
        if (wanted >= '0' && wanted <= '5') {
            if (text[at] < '0' || text[at] > '9') {
                return false;
            }
            uint32_t *field = &fields[wanted - '0'];
            *field = *field * 10 + (uint32_t)(text[at] - '0');
        } else if (text[at] != wanted) {
            return false;
        }
    }
    return true;
}

bool genesis_time_parse(const char *text, uint64_t *time_ns) {
    uint32_t fields[6] = {0};
    if (!scan(text, fields)) {
        return false;
    }
    uint32_t year = fields[0], month = fields[1], day = fields[2];
    if (year < YEAR_FIRST || year > YEAR_LAST || month < 1 || month > 12 || day < 1 ||
        day > days_of_month(year, month) || fields[3] > 23 || fields[4] > 59 || fields[5] > 59) {
        return false;
    }
    uint64_t days = days_before_year(year) + day - 1;
    for (uint32_t at = 1; at < month; at++) {
        days += days_of_month(year, at);
    }
    uint64_t seconds = fields[3] * UINT64_C(3600) + fields[4] * UINT64_C(60) + fields[5];
    *time_ns = (days * DAY_SECONDS + seconds) * SECOND_NS;
    return true;
}

void genesis_time_print(uint64_t time_ns, char text[GENESIS_TIME_TEXT_MAX]) {
    uint64_t days = time_ns / SECOND_NS / DAY_SECONDS;
    uint64_t seconds = time_ns / SECOND_NS % DAY_SECONDS;
    uint32_t year = YEAR_FIRST, month = 1;
    for (uint64_t length = 365; days >= length; length = is_leap(year) ? 366 : 365) {
        days -= length;
        year++;
    }
    for (; days >= days_of_month(year, month); month++) {
        days -= days_of_month(year, month);
    }
    (void)snprintf(text, GENESIS_TIME_TEXT_MAX,
                   "%04" PRIu32 "-%02" PRIu32 "-%02" PRIu64 "T%02" PRIu64 ":%02" PRIu64
                   ":%02" PRIu64 "Z",
                   year, month, days + 1, seconds / 3600, seconds / 60 % 60, seconds % 60);
}
