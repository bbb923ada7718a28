/* See options.h. */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool on_terminal(void) {
    return isatty(STDOUT_FILENO) != 0;
}

static void complain(const verb_t *verb, const char *format, va_list arguments) {
    fprintf(stderr, "synod %s: ", verb->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int usage_error(const verb_t *verb, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(verb, format, arguments);
    va_end(arguments);
    fprintf(stderr, "try: synod %s --help\n", verb->name);
    return EXIT_USAGE;
}

int failed(const verb_t *verb, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    complain(verb, format, arguments);
    va_end(arguments);
    return EXIT_FAILED;
}

static void print_help(const verb_t *verb, const option_t *options) {
    printf("synod %s %s%s[options]\n\n%s\n", verb->name, verb->arguments,
           verb->arguments[0] == '\0' ? "" : " ", verb->details);
    if (options->name != NULL)
        printf("\noptions:\n");
    for (const option_t *o = options; o->name != NULL; o++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->value == NULL ? "" : " ",
                 o->value == NULL ? "" : o->value);
        printf("  %-24s %s\n", left, o->help);
    }
    printf("\nexample:\n  %s\n", verb->example);
}

typedef struct unit {
    const char *name;
    uint64_t factor;
} unit_t;

static const unit_t number_units[] = {{"", 1}, {"k", 1000}, {"M", 1000000}, {NULL, 0}};
static const unit_t size_units[] = {{"", 1},         {"B", 1},        {"k", 1u << 10},
                                    {"K", 1u << 10}, {"M", 1u << 20}, {"G", 1u << 30},
                                    {NULL, 0}};
static const unit_t duration_units[] = {
    {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", UINT64_C(60000000000)},
    {NULL, 0}};

/* A decimal number, possibly with a fraction, and a unit of the table. */
static bool parse_amount(const char *text, const unit_t *units, uint64_t *to) {
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    double value = strtod(text, &end);
    if (errno != 0 || end == text)
        return false;
    for (const unit_t *unit = units; unit->name != NULL; unit++) {
        double product = value * (double)unit->factor;
        if (strcmp(unit->name, end) != 0)
            continue;
        if (product > 9.0e18)
            return false;
        *to = (uint64_t)(product + 0.5);
        return true;
    }
    return false;
}

bool options_duration(const char *text, uint64_t *ns) {
    return parse_amount(text, duration_units, ns);
}

static bool take_value(const option_t *option, const char *value) {
    switch (option->kind) {
    case OPTION_NUMBER:
        return parse_amount(value, number_units, option->to);
    case OPTION_SIZE:
        return parse_amount(value, size_units, option->to);
    case OPTION_DURATION:
        return parse_amount(value, duration_units, option->to);
    case OPTION_TEXT:
        *(const char **)option->to = value;
        return true;
    case OPTION_FLAG:
        break;
    }
    return false;
}

static const char *kind_example(option_kind_t kind) {
    switch (kind) {
    case OPTION_DURATION:
        return "a duration such as 250ms, 5s or 1m";
    case OPTION_SIZE:
        return "a size such as 128, 64k or 1M";
    default:
        return "a number such as 4, 10k or 2M";
    }
}

static const option_t *find_option(const option_t *options, const char *name, size_t length) {
    for (const option_t *o = options; o->name != NULL; o++)
        if (strlen(o->name) == length && strncmp(o->name, name, length) == 0)
            return o;
    return NULL;
}

/* One --flag at argv[*at]; -1 goes on. */
static int parse_flag(const verb_t *verb, const option_t *options, int argc, char **argv, int *at) {
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const option_t *option = find_option(options, name, length);
    if (option == NULL)
        return usage_error(verb, "unknown option --%.*s", (int)length, name);
    if (option->kind == OPTION_FLAG) {
        if (equals != NULL)
            return usage_error(verb, "--%s takes no value", option->name);
        *(bool *)option->to = true;
        return -1;
    }
    const char *value = equals != NULL ? equals + 1 : *at + 1 < argc ? argv[++*at] : NULL;
    if (value == NULL)
        return usage_error(verb, "--%s needs a value: %s", option->name, option->help);
    if (!take_value(option, value))
        return usage_error(verb, "--%s: \"%s\" is not %s", option->name, value,
                           kind_example(option->kind));
    return -1;
}

int options_parse(const verb_t *verb, const option_t *options, int argc, char **argv,
                  arguments_t *arguments) {
    arguments->count = 0;
    bool only_positional = false;
    for (int at = 0; at < argc; at++) {
        const char *word = argv[at];
        if (!only_positional && strcmp(word, "--") == 0) {
            only_positional = true;
        } else if (!only_positional && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            print_help(verb, options);
            return EXIT_OK;
        } else if (!only_positional && strncmp(word, "--", 2) == 0) {
            int code = parse_flag(verb, options, argc, argv, &at);
            if (code >= 0)
                return code;
        } else if (arguments->count == POSITIONALS_MAX) {
            return usage_error(verb, "more than %d arguments", POSITIONALS_MAX);
        } else {
            arguments->positional[arguments->count++] = word;
        }
    }
    return -1;
}
