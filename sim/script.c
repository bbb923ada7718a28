/* See script.h. The sandbox takes away what could make two plays of one script differ: clocks,
 * files, random numbers, addresses as text, and the order in which tables are walked. */
#include "sim/script.h"

#include <lualib.h>
#include <stdio.h>

#include "base/check.h"
#include "sim/script_state.h"

/* Lua instructions of one script: far more than any lesson needs, seconds of real time. */
#define INSTRUCTIONS_MAX 500000000
#define INSTRUCTIONS_STEP 1000000

/* Makes `ordered`, replaces pairs by it, and hides what is not deterministic. */
static const char prelude[] =
    "local walk, sort, type, error = next, table.sort, type, error\n"
    "local function before(a, b)\n"
    "    if type(a) == type(b) then return a < b end\n"
    "    return type(a) < type(b)\n"
    "end\n"
    "function ordered(t)\n"
    "    local keys = {}\n"
    "    for key in walk, t do\n"
    "        local kind = type(key)\n"
    "        if kind ~= 'number' and kind ~= 'string' then\n"
    "            error('a key that is a ' .. kind .. ' has no order', 2)\n"
    "        end\n"
    "        keys[#keys + 1] = key\n"
    "    end\n"
    "    sort(keys, before)\n"
    "    local at = 0\n"
    "    return function()\n"
    "        at = at + 1\n"
    "        if keys[at] ~= nil then return keys[at], t[keys[at]] end\n"
    "    end\n"
    "end\n"
    "pairs = ordered\n"
    "local plain = tostring\n"
    "function tostring(value)\n"
    "    local kind = type(value)\n"
    "    if kind == 'table' or kind == 'function' then return kind end\n"
    "    return plain(value)\n"
    "end\n"
    "function print(...)\n"
    "    local words = {...}\n"
    "    for i = 1, select('#', ...) do words[i] = tostring(words[i]) end\n"
    "    say(table.concat(words, ' '))\n"
    "end\n"
    "next, load, loadfile, dofile, collectgarbage, rawequal = nil\n"
    "math.random, math.randomseed = nil\n"
    "string.dump = nil\n";

static void open_libraries(lua_State *lua) {
    static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},
                                         {LUA_TABLIBNAME, luaopen_table},
                                         {LUA_STRLIBNAME, luaopen_string},
                                         {LUA_MATHLIBNAME, luaopen_math},
                                         {NULL, NULL}};
    for (const luaL_Reg *one = libraries; one->func != NULL; one++) {
        luaL_requiref(lua, one->name, one->func, 1);
        lua_pop(lua, 1);
    }
}

static void on_count(lua_State *lua, lua_Debug *debug) {
    (void)debug;
    lua_getfield(lua, LUA_REGISTRYINDEX, "instructions");
    lua_Integer used = lua_tointeger(lua, -1) + INSTRUCTIONS_STEP;
    lua_pop(lua, 1);
    lua_pushinteger(lua, used);
    lua_setfield(lua, LUA_REGISTRYINDEX, "instructions");
    if (used > INSTRUCTIONS_MAX)
        luaL_error(lua, "the script does not come to an end");
}

static bool play(lua_State *lua, const char *path) {
    open_libraries(lua);
    script_register_world(lua);
    int status = luaL_loadbuffer(lua, prelude, sizeof prelude - 1, "=prelude");
    if (status == LUA_OK)
        status = lua_pcall(lua, 0, 0, 0);
    invariant(status == LUA_OK);
    lua_sethook(lua, on_count, LUA_MASKCOUNT, INSTRUCTIONS_STEP);
    /* Text only: bytecode is not checked by Lua. */
    return luaL_loadfilex(lua, path, "t") == LUA_OK && lua_pcall(lua, 0, 0, 0) == LUA_OK;
}

/* The outcome of the world, or false when the script itself is at fault. */
static bool conclude(script_t *script, lua_State *lua, bool played, world_report_t *report,
                     char *error, size_t error_size) {
    const char *text = played ? "" : lua_tostring(lua, -1);
    if (script->world == NULL) {
        snprintf(error, error_size, "%s",
                 played ? "the script opens no cluster: cluster{members = 4}" : text);
        return false;
    }
    *report = *world_report(script->world);
    if (script->failed_expectation && report->violated == VIOLATION_NONE) {
        report->violated = VIOLATION_SCRIPT;
        snprintf(report->text, sizeof report->text, "%s", script->expectation);
        return true;
    }
    if (!played && report->violated == VIOLATION_NONE) {
        snprintf(error, error_size, "%s", text == NULL ? "an error without text" : text);
        return false;
    }
    return true;
}

bool script_run(const char *path, void (*line)(void *context, uint64_t now_ns, const char *text),
                void *context, world_report_t *report, char *error, size_t error_size) {
    script_t script = {.line = line, .line_context = context};
    lua_State *lua = luaL_newstate();
    if (lua == NULL) {
        snprintf(error, error_size, "no memory for the interpreter");
        return false;
    }
    *(script_t **)lua_getextraspace(lua) = &script;
    bool played = play(lua, path);
    bool good = conclude(&script, lua, played, report, error, error_size);
    if (script.world != NULL)
        world_close(script.world);
    lua_close(lua);
    return good;
}
