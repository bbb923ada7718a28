/* Flags of the verbs: one table says name, kind, default, help; parsing, --help and errors come
 * from it. `--name value` and `--name=value`; everything else is a positional argument. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Exit codes of the program. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef enum option_kind {
    OPTION_FLAG = 1, /* bool *          present or not */
    OPTION_NUMBER,   /* uint64_t *      1000, 10k, 2M */
    OPTION_DURATION, /* uint64_t * ns   250ms, 5s, 1m */
    OPTION_SIZE,     /* uint64_t * B    128, 64k, 1M (powers of 1024) */
    OPTION_TEXT      /* const char ** */
} option_kind_t;

typedef struct option {
    const char *name; /* without the dashes */
    option_kind_t kind;
    void *to;
    const char *value; /* what stands for the value in the help, e.g. "DIR" */
    const char *help;  /* one line, with the default */
} option_t;

#define POSITIONALS_MAX 64

typedef struct verb {
    const char *name;
    const char *summary;   /* one line for the map of verbs */
    const char *arguments; /* positional arguments in the usage line, "" when none */
    const char *details;   /* what it does, a few lines */
    const char *example;   /* a command that works */
    int (*run)(const struct verb *verb, int argc, char **argv);
} verb_t;

typedef struct arguments {
    const char *positional[POSITIONALS_MAX];
    uint32_t count;
} arguments_t;

/* Parses argv (without program and verb). Returns -1 to go on, or the exit code: 0 after --help, 2
 * after an error, which was printed with what to do. Ends with option {0}. */
int options_parse(const verb_t *verb, const option_t *options, int argc, char **argv,
                  arguments_t *arguments);

/* Prints "synod VERB: ..." to standard error and returns EXIT_USAGE. */
int usage_error(const verb_t *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints "synod VERB: ..." to standard error and returns EXIT_FAILED. */
int failed(const verb_t *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A duration such as 250ms, 5s or 1m; false when it is none. */
bool options_duration(const char *text, uint64_t *ns);

/* Is standard output a terminal (colours, bars) or not (lines)? */
bool on_terminal(void);

#endif
