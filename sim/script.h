/* Scripts: a simulated world driven by Lua 5.4, for lessons and regressions. What a script may
 * say is in docs/guide/simulator.md. Scripts have no clock, no files and no randomness but the
 * world's seed, and iterate tables in order, so that one script always plays the same. */
#ifndef SIM_SCRIPT_H
#define SIM_SCRIPT_H

#include "sim/world.h"

#define SCRIPT_ERROR_MAX 1000

/* Plays the script. False: it cannot be read or run, `error` says where and why. True: `report` has
 * the outcome; an expectation that failed is VIOLATION_SCRIPT. `line` may be NULL. */
bool script_run(const char *path, void (*line)(void *context, uint64_t now_ns, const char *text),
                void *context, world_report_t *report, char *error, size_t error_size);

#endif
