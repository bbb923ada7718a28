/* What the files of the script interpreter share: script.c (life, sandbox, running), script_world.c
 * (the words that act on a world), script_client.c (those about clients). */
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

/* Registers the words that act on a world. */
void script_register_world(lua_State *lua);
void script_register_clients(lua_State *lua);

/* ---- arguments and results, script_world.c; what is wrong ends the script with a text ---- */
world_t *script_world(lua_State *lua);
lua_Integer script_within(lua_State *lua, int at, lua_Integer least, lua_Integer most);
member_t script_member(lua_State *lua, int at);
/* A field of the table on top of the stack. */
void script_set_number(lua_State *lua, const char *name, uint64_t value);

#endif
