/* See screen.h. */
#include "cli/screen.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"

/* The other screen of the terminal, without a cursor; and back. */
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"
#define HOME "\033[H"
#define REST_OF_LINE "\033[K"
#define REST_OF_SCREEN "\033[J"

/* One write, or as few as it takes: a terminal that shows half a page flickers. */
static void put(const char *text, size_t size) {
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, text, size);
        if (written <= 0)
            return;
        text += written;
        size -= (size_t)written;
    }
}

void screen_open(screen_t *screen, bool may_be_live) {
    *screen = (screen_t){.live = may_be_live && on_terminal()};
    fflush(stdout);
    if (screen->live)
        put(ENTER, sizeof ENTER - 1);
}

FILE *screen_begin(screen_t *screen) {
    free(screen->text);
    screen->text = NULL;
    screen->page = open_memstream(&screen->text, &screen->size);
    return screen->page;
}

/* Each line is written over the one before; what was longer is erased. */
static void redraw(const screen_t *screen) {
    char *frame = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&frame, &size);
    if (to == NULL)
        return;
    fputs(HOME, to);
    for (size_t at = 0; at < screen->size; at++) {
        if (screen->text[at] == '\n')
            fputs(REST_OF_LINE, to);
        fputc(screen->text[at], to);
    }
    fputs(REST_OF_SCREEN, to);
    if (fclose(to) == 0)
        put(frame, size);
    free(frame);
}

void screen_end(screen_t *screen) {
    if (fclose(screen->page) != 0)
        return;
    if (screen->live) {
        redraw(screen);
    } else {
        put(screen->text, screen->size);
        if (screen->size > 0 && screen->text[screen->size - 1] != '\n')
            put("\n", 1);
    }
}

void screen_close(screen_t *screen) {
    if (screen->live) {
        put(LEAVE, sizeof LEAVE - 1);
        put(screen->text == NULL ? "" : screen->text, screen->text == NULL ? 0 : screen->size);
    }
    free(screen->text);
    screen->text = NULL;
}
