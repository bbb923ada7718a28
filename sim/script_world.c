/* The words of a script: each checks its arguments, acts on the world, and stops the script when an
 * oracle has fired. Times are in milliseconds, members and clients count from 0. */
#include <stdio.h>

#include "app/kv_client.h"
#include "sim/script_state.h"

#define MS 1000000.0
#define OPERATION_ROOM 4096

/* ---- arguments ---- */

static world_t *world_of(lua_State *lua) {
    script_t *script = script_of(lua);
    if (script->world == NULL)
        luaL_error(lua, "open a cluster first: cluster{members = 4}");
    return script->world;
}

static lua_Integer within(lua_State *lua, int at, lua_Integer least, lua_Integer most) {
    lua_Integer number = luaL_checkinteger(lua, at);
    luaL_argcheck(lua, number >= least && number <= most, at, "out of range");
    return number;
}

static member_t member_at(lua_State *lua, int at) {
    return (member_t)within(lua, at, 0, (lua_Integer)world_committee(world_of(lua))->size - 1);
}

/* Milliseconds, at most a simulated month. */
static uint64_t time_at(lua_State *lua, int at) {
    lua_Number ms = luaL_checknumber(lua, at);
    luaL_argcheck(lua, ms >= 0 && ms <= 2.6e9, at, "a time in milliseconds is expected");
    return (uint64_t)(ms * MS);
}

static void go_on(lua_State *lua) {
    const world_report_t *report = world_report(world_of(lua));
    if (report->violated != VIOLATION_NONE)
        luaL_error(lua, "%s: %s", violation_name(report->violated), report->text);
}

static uint64_t field(lua_State *lua, int table, const char *name, lua_Number scale,
                      uint64_t otherwise) {
    lua_getfield(lua, table, name);
    uint64_t value = otherwise;
    if (!lua_isnil(lua, -1)) {
        lua_Number number = luaL_checknumber(lua, -1);
        if (number < 0 || number * scale > 1e18)
            luaL_error(lua, "%s is out of range", name);
        value = (uint64_t)(number * scale);
    }
    lua_pop(lua, 1);
    return value;
}

/* ---- opening ---- */

static uint16_t lie_named(lua_State *lua, const char *word) {
    for (uint32_t i = 0; i < LIAR_COUNT; i++) {
        const char *name = world_fault_name((world_fault_t)(FAULT_LIAR + i)) + 5; /* liar_ */
        if (strcmp(name, word) == 0)
            return (uint16_t)(1u << i);
    }
    luaL_error(lua, "no such lie: %s", word);
    return 0;
}

/* liars = {[3] = "equivocate"} or several words in a table. */
static void read_liars(lua_State *lua, int table, world_options_t *options) {
    lua_getfield(lua, table, "liars");
    for (member_t m = 0; !lua_isnil(lua, -1) && m < options->members; m++) {
        lua_geti(lua, -1, m);
        if (lua_isstring(lua, -1))
            options->liars[m] = lie_named(lua, lua_tostring(lua, -1));
        for (lua_Integer i = 1; lua_istable(lua, -1); i++) {
            bool more = lua_geti(lua, -1, i) == LUA_TSTRING;
            if (more)
                options->liars[m] |= lie_named(lua, lua_tostring(lua, -1));
            lua_pop(lua, 1);
            if (!more)
                break;
        }
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
}

static int word_cluster(lua_State *lua) {
    script_t *script = script_of(lua);
    luaL_checktype(lua, 1, LUA_TTABLE);
    if (script->world != NULL)
        return luaL_error(lua, "a script has one cluster");
    uint64_t members = field(lua, 1, "members", 1, 4);
    if (members < 1 || members > WORLD_MEMBERS_MAX)
        return luaL_error(lua, "members: 1 to %d", WORLD_MEMBERS_MAX);
    world_options_t options = world_options_quiet((uint32_t)members);
    options.seed = field(lua, 1, "seed", 1, 1);
    options.clients = (uint32_t)field(lua, 1, "clients", 1, 1);
    options.delay_min_ns = field(lua, 1, "delay", MS, options.delay_min_ns);
    options.delay_max_ns = options.delay_min_ns + field(lua, 1, "jitter", MS, 0);
    options.sync_min_ns = options.sync_max_ns = field(lua, 1, "sync", MS, options.sync_min_ns);
    options.retry_ns = field(lua, 1, "retry", MS, options.retry_ns);
    options.chain.core.view_timeout_ns = field(lua, 1, "view_timeout", MS, 0);
    options.chain.core.request_patience_ns = field(lua, 1, "patience", MS, 0);
    options.chain.core.leader_views = field(lua, 1, "leader_views", 1, 0);
    options.chain.checkpoint_blocks = field(lua, 1, "checkpoint_blocks", 1, 0);
    options.segment_bytes = field(lua, 1, "segment_kib", 1024, 1u << 20);
    options.segments = (uint32_t)field(lua, 1, "segments", 1, 16);
    options.snapshot_bytes = field(lua, 1, "snapshot_kib", 1024, 0);
    options.lies_per_million = (uint32_t)field(lua, 1, "lies", 1e6, 1000000);
    read_liars(lua, 1, &options);
    options.line = script->line;
    options.line_context = script->line_context;
    script->world = world_open(&options);
    if (script->world == NULL)
        return luaL_error(lua, "the cluster cannot be opened with these options");
    return 0;
}

/* ---- work ---- */

/* submit(client, "increment", key [, by]), "set", key, value, "get", key, "delete", key */
static int word_submit(lua_State *lua) {
    static const char *const verbs[] = {"increment", "set", "get", "delete", NULL};
    world_t *w = world_of(lua);
    uint8_t room[OPERATION_ROOM];
    writer_t writer = writer_of(room, sizeof room);
    uint32_t client = (uint32_t)within(lua, 1, 0, (lua_Integer)world_clients(w) - 1);
    int verb = luaL_checkoption(lua, 2, NULL, verbs);
    size_t key_size = 0, value_size = 0;
    const char *key = luaL_checklstring(lua, 3, &key_size);
    bytes_t key_bytes = bytes_of(key, key_size);
    if (verb == 0) {
        kv_encode_increment(&writer, key_bytes, luaL_optinteger(lua, 4, 1));
    } else if (verb == 1) {
        const char *value = luaL_checklstring(lua, 4, &value_size);
        kv_encode_set(&writer, key_bytes, bytes_of(value, value_size));
    } else if (verb == 2) {
        kv_encode_get(&writer, key_bytes);
    } else {
        kv_encode_delete(&writer, key_bytes);
    }
    if (writer.failed)
        return luaL_error(lua, "key and value are too long for a script");
    lua_pushinteger(lua, world_submit(w, client, writer_bytes(&writer)));
    return 1;
}

static int word_send_again(lua_State *lua) {
    world_t *w = world_of(lua);
    uint32_t client = (uint32_t)within(lua, 1, 0, (lua_Integer)world_clients(w) - 1);
    uint32_t request = (uint32_t)within(lua, 2, 0, (lua_Integer)world_submitted(w, client) - 1);
    world_send_again(w, client, request, lua_isnoneornil(lua, 3) ? WORLD_ALL : member_at(lua, 3));
    return 0;
}

/* nil, or status and what it says: a number, a string, true or false */
static int word_answer(lua_State *lua) {
    world_t *w = world_of(lua);
    uint32_t client = (uint32_t)within(lua, 1, 0, (lua_Integer)world_clients(w) - 1);
    uint32_t request = (uint32_t)within(lua, 2, 0, (lua_Integer)world_submitted(w, client) - 1);
    if (!world_answered(w, client, request))
        return 0;
    bytes_t result;
    int64_t number = 0;
    bool present = false;
    kv_maybe_t value = {0};
    lua_pushstring(lua, world_answer(w, client, request, &result) == SYNOD_OK ? "ok" : "failed");
    if (kv_read_increment(result, &number))
        lua_pushinteger(lua, number);
    else if (kv_read_was_present(result, &present))
        lua_pushboolean(lua, present);
    else if (kv_read_get(result, &value) && value.present)
        lua_pushlstring(lua, (const char *)value.value.data, value.value.size);
    else
        lua_pushnil(lua);
    return 2;
}

static int word_wait(lua_State *lua) {
    world_t *w = world_of(lua);
    world_until(w, world_now_ns(w) + time_at(lua, 1));
    go_on(lua);
    return 0;
}

/* Until everything is answered and executed; true, or false after so long. */
static int word_settle(lua_State *lua) {
    world_t *w = world_of(lua);
    bool settled = world_settle(w, world_now_ns(w) + time_at(lua, 1));
    go_on(lua);
    lua_pushboolean(lua, settled);
    return 1;
}

/* ---- faults ---- */

static int word_crash(lua_State *lua) {
    world_crash(world_of(lua), member_at(lua, 1));
    return 0;
}

static int word_power_off(lua_State *lua) {
    world_power_off(world_of(lua), member_at(lua, 1));
    return 0;
}

static int word_restart(lua_State *lua) {
    world_restart(world_of(lua), member_at(lua, 1));
    return 0;
}

static uint64_t set_at(lua_State *lua, int at) {
    uint64_t set = 0;
    luaL_checktype(lua, at, LUA_TTABLE);
    for (lua_Integer i = 1; lua_geti(lua, at, i) != LUA_TNIL; i++) {
        set |= UINT64_C(1) << member_at(lua, -1);
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    return set;
}

/* cut({0}, {1, 2}): one way, from the first to the second. */
static int word_cut(lua_State *lua) {
    world_cut(world_of(lua), set_at(lua, 1), set_at(lua, 2));
    return 0;
}

static int word_cut_off(lua_State *lua) {
    world_cut_off(world_of(lua), member_at(lua, 1));
    return 0;
}

static int word_heal(lua_State *lua) {
    world_heal(world_of(lua));
    return 0;
}

static int word_reset(lua_State *lua) {
    member_t a = member_at(lua, 1), b = member_at(lua, 2);
    luaL_argcheck(lua, a != b, 2, "two members are expected");
    world_reset_link(world_of(lua), a, b);
    return 0;
}

/* trap(member, skip, "before" or "after"): the append behind the next `skip` stops the node. */
static int word_trap(lua_State *lua) {
    static const char *const points[] = {"before", "after", NULL};
    member_t member = member_at(lua, 1);
    uint32_t skip = (uint32_t)within(lua, 2, 0, 1000000);
    world_trap(world_of(lua), member, skip, luaL_checkoption(lua, 3, NULL, points) == 1);
    return 0;
}

static int word_slow_disk(lua_State *lua) {
    world_slow_disk(world_of(lua), member_at(lua, 1), time_at(lua, 2));
    return 0;
}

static int word_slow_node(lua_State *lua) {
    world_slow_node(world_of(lua), member_at(lua, 1), time_at(lua, 2));
    return 0;
}

/* rot(member, slot): a bit of a stored snapshot flips; false: there is none */
static int word_rot(lua_State *lua) {
    member_t member = member_at(lua, 1);
    lua_pushboolean(lua, world_rot(world_of(lua), member, (uint32_t)within(lua, 2, 0, 1)));
    return 1;
}

static int word_step_clock(lua_State *lua) {
    lua_Number ms = luaL_checknumber(lua, 2);
    luaL_argcheck(lua, ms >= -1e9 && ms <= 1e9, 2, "a time in milliseconds is expected");
    world_step_clock(world_of(lua), member_at(lua, 1), (int64_t)(ms * MS));
    return 0;
}

static int word_calm(lua_State *lua) {
    world_calm(world_of(lua));
    return 0;
}

/* ---- looking ---- */

static void set_number(lua_State *lua, const char *name, uint64_t value) {
    lua_pushinteger(lua, (lua_Integer)value);
    lua_setfield(lua, -2, name);
}

static int word_status(lua_State *lua) {
    world_t *w = world_of(lua);
    member_t member = member_at(lua, 1);
    status_report_t status = world_status(w, member);
    lua_newtable(lua);
    lua_pushboolean(lua, world_up(w, member));
    lua_setfield(lua, -2, "up");
    set_number(lua, "view", status.view);
    set_number(lua, "leader", status.leader);
    set_number(lua, "certified", status.certified);
    set_number(lua, "final", status.final);
    set_number(lua, "executed", status.executed);
    set_number(lua, "views_failed", status.views_failed);
    set_number(lua, "snapshot", status.snapshot_height);
    set_number(lua, "pending", status.pending_requests);
    set_number(lua, "peers", status.peers_connected);
    set_number(lua, "refused", status.frames_dropped);
    return 1;
}

static int word_roots_equal(lua_State *lua) {
    lua_pushboolean(lua, world_roots_equal(world_of(lua)));
    return 1;
}

static int word_now(lua_State *lua) {
    lua_pushnumber(lua, (lua_Number)world_now_ns(world_of(lua)) / MS);
    return 1;
}

static int word_say(lua_State *lua) {
    script_t *script = script_of(lua);
    uint64_t now = script->world == NULL ? 0 : world_now_ns(script->world);
    if (script->line != NULL)
        script->line(script->line_context, now, luaL_checkstring(lua, 1));
    return 0;
}

static int word_expect(lua_State *lua) {
    script_t *script = script_of(lua);
    if (lua_toboolean(lua, 1))
        return 0;
    luaL_where(lua, 1);
    snprintf(script->expectation, sizeof script->expectation, "%s%s", lua_tostring(lua, -1),
             luaL_optstring(lua, 2, "an expectation does not hold"));
    script->failed_expectation = true;
    return luaL_error(lua, "%s", script->expectation);
}

void script_register_world(lua_State *lua) {
    static const luaL_Reg words[] = {{"cluster", word_cluster},
                                     {"submit", word_submit},
                                     {"send_again", word_send_again},
                                     {"answer", word_answer},
                                     {"wait", word_wait},
                                     {"settle", word_settle},
                                     {"crash", word_crash},
                                     {"power_off", word_power_off},
                                     {"restart", word_restart},
                                     {"cut", word_cut},
                                     {"cut_off", word_cut_off},
                                     {"heal", word_heal},
                                     {"reset", word_reset},
                                     {"trap", word_trap},
                                     {"slow_disk", word_slow_disk},
                                     {"slow_node", word_slow_node},
                                     {"step_clock", word_step_clock},
                                     {"rot", word_rot},
                                     {"calm", word_calm},
                                     {"status", word_status},
                                     {"roots_equal", word_roots_equal},
                                     {"now", word_now},
                                     {"say", word_say},
                                     {"expect", word_expect},
                                     {NULL, NULL}};
    for (const luaL_Reg *word = words; word->name != NULL; word++)
        lua_register(lua, word->name, word->func);
}
