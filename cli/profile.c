/* See profile.h.
 *
 * Zipf: rejection-inversion of Hörmann and Derflinger, "Rejection-inversion to generate variates
 * from monotone discrete distributions" (ACM TOMACS 6(3), 1996): exact for every exponent above 0
 * and every number of keys, without a table, about 1.1 draws a number. With h(x) = x^-s and H its
 * integral, a point u is drawn evenly under H, inverted, and rounded to k; it counts when it lies
 * above H(k + 1/2) - h(k), so that k keeps exactly the area h(k). `shortcut` accepts most k without
 * asking. */
#include "cli/profile.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000u
#define ZIPF_DEFAULT 0.99 /* as YCSB has it */
#define ZIPF_MAX 10.0
#define HOT_KEYS_DEFAULT 10.0
#define HOT_DRAWS_DEFAULT 90.0

/* ---- zipf ---- */

static double uniform(prng_t *prng) {
    return (double)(prng_next(prng) >> 11) * 0x1p-53;
}

static double weight_of(double x, double s) {
    return pow(x, -s);
}

/* The integral of x^-s from 1. */
static double area_to(double x, double s) {
    double e = 1 - s;
    return fabs(e) < 1e-9 ? log(x) : expm1(e * log(x)) / e;
}

static double area_inverse(double area, double s) {
    double e = 1 - s;
    if (fabs(e) < 1e-9)
        return exp(area);
    double inside = area * e < -1 ? -1 : area * e;
    return exp(log1p(inside) / e);
}

static void zipf_open(spread_t *spread) {
    double s = spread->exponent;
    spread->h_low = area_to(1.5, s) - 1;
    spread->h_high = area_to((double)spread->keys + 0.5, s);
    spread->shortcut = 2 - area_inverse(area_to(2.5, s) - weight_of(2, s), s);
}

static uint64_t zipf_draw(const spread_t *spread, prng_t *prng) {
    double s = spread->exponent;
    for (;;) {
        double u = spread->h_high + uniform(prng) * (spread->h_low - spread->h_high);
        double x = area_inverse(u, s);
        uint64_t k = x < 1 ? 1 : (uint64_t)(x + 0.5);
        k = k < 1 ? 1 : k > spread->keys ? spread->keys : k;
        if ((double)k - x <= spread->shortcut ||
            u >= area_to((double)k + 0.5, s) - weight_of((double)k, s))
            return k - 1;
    }
}

uint64_t spread_draw(const spread_t *spread, prng_t *prng) {
    if (spread->kind == SPREAD_ZIPF)
        return zipf_draw(spread, prng);
    if (spread->kind == SPREAD_UNIFORM || spread->hot_keys == spread->keys)
        return prng_below(prng, spread->keys);
    if (prng_chance(prng, spread->hot_parts))
        return prng_below(prng, spread->hot_keys);
    return spread->hot_keys + prng_below(prng, spread->keys - spread->hot_keys);
}

/* ---- one operation ---- */

static uint32_t draw_size(profile_t *profile) {
    const size_part_t *part = profile->sizes;
    if (profile->size_count > 1) {
        uint64_t at = prng_below(&profile->prng, profile->weights);
        for (; at >= part->weight; part++)
            at -= part->weight;
    }
    return part->low == part->high ? part->low
                                   : (uint32_t)prng_between(&profile->prng, part->low, part->high);
}

draw_t profile_draw(profile_t *profile) {
    draw_t draw = {.key = spread_draw(&profile->spread, &profile->prng),
                   .size = draw_size(profile)};
    draw.read =
        profile->reads_per_million > 0 && prng_chance(&profile->prng, profile->reads_per_million);
    return draw;
}

uint32_t profile_size_max(const profile_t *profile) {
    uint32_t most = 0;
    for (uint32_t i = 0; i < profile->size_count; i++)
        most = profile->sizes[i].high > most ? profile->sizes[i].high : most;
    return most;
}

/* ---- flags ---- */

/* A number of bytes at *at, which is moved behind it. */
static bool take_size(const char **at, uint32_t *to) {
    char *end;
    if (!isdigit((unsigned char)**at))
        return false;
    unsigned long long value = strtoull(*at, &end, 10);
    if (*end == 'k' || *end == 'K') {
        value = value > PROFILE_SIZE_MAX ? value : value << 10;
        end++;
    } else if (*end == 'B') {
        end++;
    }
    *at = end;
    *to = (uint32_t)value;
    return value <= PROFILE_SIZE_MAX;
}

static bool take_weight(const char **at, uint32_t *to) {
    char *end;
    if (!isdigit((unsigned char)**at))
        return false;
    unsigned long value = strtoul(*at, &end, 10);
    *at = end;
    *to = (uint32_t)value;
    return value >= 1 && value <= MILLION;
}

const char *profile_sizes(profile_t *profile, const char *text) {
    static const char wrong[] = "is not a size up to 512k (128), a range (64..1k) or at most 8 of "
                                "them with weights (100:90,4k:10)";
    const char *at = text;
    profile->size_count = profile->weights = 0;
    for (;;) {
        size_part_t part = {.weight = 1};
        if (profile->size_count == PROFILE_PARTS || !take_size(&at, &part.low))
            return wrong;
        part.high = part.low;
        if (strncmp(at, "..", 2) == 0) {
            at += 2;
            if (!take_size(&at, &part.high) || part.high < part.low)
                return wrong;
        }
        if (*at == ':') {
            at++;
            if (!take_weight(&at, &part.weight))
                return wrong;
        }
        profile->sizes[profile->size_count++] = part;
        profile->weights += part.weight;
        if (*at == '\0')
            return NULL;
        if (*at++ != ',')
            return wrong;
    }
}

/* A percentage at *at, with or without its sign. */
static bool take_percent(const char **at, double *to) {
    char *end;
    if (!isdigit((unsigned char)**at))
        return false;
    *to = strtod(*at, &end);
    *at = *end == '%' ? end + 1 : end;
    return *to >= 0 && *to <= 100;
}

const char *profile_reads(profile_t *profile, const char *text) {
    double percent;
    if (!take_percent(&text, &percent) || *text != '\0')
        return "is not a percentage from 0 to 100";
    profile->reads_per_million = (uint32_t)(percent * 1e4 + 0.5);
    return NULL;
}

static bool read_zipf(spread_t *spread, const char *text) {
    char *end;
    spread->kind = SPREAD_ZIPF;
    spread->exponent = ZIPF_DEFAULT;
    if (*text == ':') {
        if (!isdigit((unsigned char)text[1]))
            return false;
        spread->exponent = strtod(text + 1, &end);
        text = end;
    }
    return *text == '\0' && spread->exponent > 0 && spread->exponent <= ZIPF_MAX;
}

static bool read_hot(spread_t *spread, const char *text) {
    double keys = HOT_KEYS_DEFAULT, draws = HOT_DRAWS_DEFAULT;
    spread->kind = SPREAD_HOT;
    if (*text == ':') {
        text++;
        if (!take_percent(&text, &keys) || *text++ != ':' || !take_percent(&text, &draws))
            return false;
    }
    spread->hot_keys = (uint64_t)((double)spread->keys * keys / 100 + 0.5);
    spread->hot_keys = spread->hot_keys == 0 ? 1 : spread->hot_keys;
    spread->hot_parts = (uint32_t)(draws * 1e4 + 0.5);
    return *text == '\0';
}

const char *profile_spread(profile_t *profile, const char *text, uint64_t keys) {
    spread_t *spread = &profile->spread;
    *spread = (spread_t){.keys = keys};
    bool good = strcmp(text, "uniform") == 0 ||
                (strncmp(text, "zipf", 4) == 0 && read_zipf(spread, text + 4)) ||
                (strncmp(text, "hot", 3) == 0 && read_hot(spread, text + 3));
    if (!good)
        return "is not uniform, zipf, zipf:EXPONENT (up to 10), hot or hot:KEYS%:DRAWS%";
    if (spread->kind == SPREAD_ZIPF)
        zipf_open(spread);
    return NULL;
}
