/* Where a broken promise of this program ends: one line on standard error, then abort. The line is
 * formatted first and written by one call, so that two processes on one terminal do not mix it. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *kind, const char *condition, const char *file, int line,
                            const char *function) {
    char text[512];
    int length = snprintf(text, sizeof text, "synod: %s failed: %s (%s:%d, %s)\n", kind, condition,
                          file, line, function);
    if (length > 0) {
        if ((size_t)length >= sizeof text) {
            text[sizeof text - 2] = '\n'; /* cut, but still one line */
        }
        (void)fputs(text, stderr);
    }
    abort();
}
