/* What the files of the script interpreter share: script.c (life, sandbox, running), script_world.c
 * (the functions that act on a world). */
#ifndef SIM_SCRIPT_STATE_H
#define SIM_SCRIPT_STATE_H

#include <lauxlib.h>
#include <lua.h>

#include "sim/world.h"

typedef struct script {
    world_t *world; /* NULL until the script opens one */
    void (*line)(void *context, uint64_t now_ns, const char *text);
    void *line_context;
    bool failed_expectation;
    char expectation[WORLD_TEXT_MAX];
} script_t;

static inline script_t *script_of(lua_State *lua) {
    return *(script_t **)lua_getextraspace(lua);
}

/* Registers the functions that act on a world. */
void script_register_world(lua_State *lua);

#endif
