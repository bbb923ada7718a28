/* See bench_chart.h. */
#include "cli/bench_chart.h"

#include <math.h>

#define LEFT 76.0
#define RIGHT 16.0
#define TOP 30.0
#define BOTTOM 44.0

/* The smallest of 1, 2, 5, 10, 20, ... that makes at most `most` steps of the range. */
static double nice_step(double range, uint32_t most) {
    double step = pow(10, floor(log10(range / most)));
    for (uint32_t i = 0; range / step > most; i++)
        step *= i % 3 == 1 ? 2.5 : 2;
    return step;
}

double chart_x(const chart_t *c, double at_s) {
    return LEFT + (CHART_WIDTH - LEFT - RIGHT) * at_s / c->seconds;
}

double chart_y(const chart_t *c, double value) {
    double part = (value - c->low) / (c->high - c->low);
    if (c->logarithmic)
        part = log10((value > c->low ? value : c->low) / c->low) / log10(c->high / c->low);
    part = part < 0 ? 0 : part > 1 ? 1 : part;
    return CHART_HEIGHT - BOTTOM - (CHART_HEIGHT - TOP - BOTTOM) * part;
}

static void number(FILE *to, double value) {
    if (value >= 1e6)
        fprintf(to, "%gM", value / 1e6);
    else if (value >= 1e4)
        fprintf(to, "%gk", value / 1e3);
    else
        fprintf(to, "%g", value);
}

static void across(const chart_t *c, double value) {
    double y = chart_y(c, value);
    fprintf(c->to, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT,
            CHART_WIDTH - RIGHT, y, y);
    fprintf(c->to, "<text class=\"scale\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">", LEFT - 6,
            y + 4);
    number(c->to, value);
    fprintf(c->to, "</text>\n");
}

static void axes(chart_t *c) {
    if (c->logarithmic) {
        c->low = pow(10, floor(log10(c->low)));
        c->high = pow(10, ceil(log10(c->high)));
        if (c->high <= c->low)
            c->high = c->low * 10;
        for (double decade = c->low; decade < c->high * 1.01; decade *= 10)
            across(c, decade);
    } else {
        double step = nice_step(c->high - c->low, 6);
        c->high = ceil((c->high - c->low) / step - 1e-9) * step + c->low;
        for (double value = c->low; value < c->high + step / 2; value += step)
            across(c, value);
    }
    double step = nice_step(c->seconds, 12);
    for (double at = 0; at < c->seconds + step / 100; at += step) {
        double x = chart_x(c, at);
        fprintf(c->to,
                "<line class=\"tick\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>"
                "<text class=\"scale\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%g</text>\n",
                x, x, CHART_HEIGHT - BOTTOM, CHART_HEIGHT - BOTTOM + 4, x,
                CHART_HEIGHT - BOTTOM + 18, at);
    }
}

chart_t chart_open(FILE *to, const char *title, const char *unit, double seconds, double low,
                   double high, bool logarithmic) {
    chart_t c = {to, seconds, low, high, logarithmic};
    fprintf(to,
            "<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"%s\" "
            "xmlns=\"http://www.w3.org/2000/svg\">\n<title>%s</title>\n",
            CHART_WIDTH, CHART_HEIGHT, title, title);
    fprintf(to, "<text class=\"unit\" x=\"%g\" y=\"16\">%s</text>\n", 4.0, unit);
    fprintf(to, "<text class=\"unit\" text-anchor=\"middle\" x=\"%g\" y=\"%g\">time, s</text>\n",
            (LEFT + CHART_WIDTH - RIGHT) / 2, CHART_HEIGHT - 8);
    axes(&c);
    return c;
}

void chart_bar(const chart_t *c, double begin_s, double end_s, double value, const char *tip) {
    double x = chart_x(c, begin_s), y = chart_y(c, value), foot = chart_y(c, c->low);
    fprintf(c->to,
            "<rect class=\"bar\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\">"
            "<title>%s</title></rect>\n",
            x, y, chart_x(c, end_s) - x, foot - y, tip);
}

void chart_line(const chart_t *c, const char *style, const double *at_s, const double *values,
                uint32_t count) {
    bool drawing = false;
    fprintf(c->to, "<path class=\"line %s\" d=\"", style);
    for (uint32_t i = 0; i < count; i++) {
        if (values[i] > 0) /* h0: a point that stands alone is seen too */
            fprintf(c->to, "%s%.2f %.2f%s", drawing ? "L" : "M", chart_x(c, at_s[i]),
                    chart_y(c, values[i]), drawing ? "" : "h0");
        drawing = values[i] > 0;
    }
    fprintf(c->to, "\"/>\n");
}

void chart_mark(const chart_t *c, const char *style, double at_s, uint32_t number) {
    double x = chart_x(c, at_s);
    fprintf(c->to,
            "<line class=\"mark %s\" x1=\"%.2f\" x2=\"%.2f\" y1=\"%.1f\" y2=\"%.1f\"/>"
            "<circle class=\"badge %s\" cx=\"%.2f\" cy=\"%.1f\" r=\"8\"/>"
            "<text class=\"on\" text-anchor=\"middle\" x=\"%.2f\" y=\"%.1f\">%u</text>\n",
            style, x, x, TOP, CHART_HEIGHT - BOTTOM, style, x, TOP - 6, x, TOP - 2, number);
}

void chart_close(const chart_t *c) {
    fprintf(c->to, "</svg>\n");
}
