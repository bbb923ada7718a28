/* Pages that replace each other: in place on a terminal, without flicker; one after the other
 * elsewhere. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

typedef struct screen {
    bool live;
    FILE *page;
    char *text; /* of the page that is written, or of the last one */
    size_t size;
} screen_t;

/* In place only if `may_be_live` and standard output is a terminal. */
void screen_open(screen_t *screen, bool may_be_live);
/* Where to write the next page; NULL: no memory. */
FILE *screen_begin(screen_t *screen);
void screen_end(screen_t *screen);
/* The terminal is as it was, with the last page on it. */
void screen_close(screen_t *screen);

#endif
