/* A chart over time as inline SVG: axes with units, bars or lines, marks at what happened. Colours
 * are classes of the page's style sheet, so that it reads in light and in dark. */
#ifndef CLI_BENCH_CHART_H
#define CLI_BENCH_CHART_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CHART_WIDTH 960.0
#define CHART_HEIGHT 280.0

typedef struct chart {
    FILE *to;
    double seconds;   /* of the horizontal axis, from 0 */
    double low, high; /* of the vertical one */
    bool logarithmic; /* decades; low is above 0 then */
} chart_t;

/* Opens the picture and draws the axes. `high` is rounded up to a mark of the axis, and for decades
 * `low` down. */
chart_t chart_open(FILE *to, const char *title, const char *unit, double seconds, double low,
                   double high, bool logarithmic);
double chart_x(const chart_t *chart, double at_s);
double chart_y(const chart_t *chart, double value);
/* A bar from begin to end; what a pointer on it is told. */
void chart_bar(const chart_t *chart, double begin_s, double end_s, double value, const char *tip);
/* Points of one line; there is a gap where a value is not above 0. */
void chart_line(const chart_t *chart, const char *style, const double *at_s, const double *values,
                uint32_t count);
/* A line from top to bottom with a number on it. */
void chart_mark(const chart_t *chart, const char *style, double at_s, uint32_t number);
void chart_close(const chart_t *chart);

#endif
