/* The words of a script: each checks its arguments, acts on the world, and stops the script when an
 * oracle has fired. Times are in milliseconds, members and clients count from 0. */
#include <stdio.h>

#include "sim/script_state.h"

#define MS 1000000.0

/* ---- arguments ---- */

world_t *script_world(lua_State *lua) {
    script_t *script = script_of(lua);
    if (script->world == NULL)
        luaL_error(lua, "open a cluster first: cluster{members = 4}");
    return script->world;
}

lua_Integer script_within(lua_State *lua, int at, lua_Integer least, lua_Integer most) {
    lua_Integer number = luaL_checkinteger(lua, at);
    luaL_argcheck(lua, number >= least && number <= most, at, "out of range");
    return number;
}

member_t script_member(lua_State *lua, int at) {
    return (member_t)script_within(lua, at, 0,
                                   (lua_Integer)world_committee(script_world(lua))->size - 1);
}

/* Milliseconds, at most a simulated month. */
static uint64_t time_at(lua_State *lua, int at) {
    lua_Number ms = luaL_checknumber(lua, at);
    luaL_argcheck(lua, ms >= 0 && ms <= 2.6e9, at, "a time in milliseconds is expected");
    return (uint64_t)(ms * MS);
}

static void go_on(lua_State *lua) {
    const world_report_t *report = world_report(script_world(lua));
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

static uint32_t payload_at(lua_State *lua, int table) {
    lua_getfield(lua, table, "strategy");
    const char *name = luaL_optstring(lua, -1, "inline");
    uint32_t kind = payload_find(name);
    if (kind == 0)
        luaL_error(lua, "strategy: inline or certified, not %s", name);
    lua_pop(lua, 1);
    return kind;
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
    options.uplink_bytes = field(lua, 1, "bandwidth", 1, 0);
    options.queue_bytes = field(lua, 1, "queue", 1, 0);
    options.cost_frame_ns = field(lua, 1, "frame_cost", MS, 0);
    options.cost_kib_ns = field(lua, 1, "kib_cost", MS, 0);
    options.cost_operation_ns = field(lua, 1, "operation_cost", MS, 0);
    options.retry_ns = field(lua, 1, "retry", MS, options.retry_ns);
    options.client_window = (uint32_t)field(lua, 1, "window", 1, options.client_window);
    options.client_batch = (uint32_t)field(lua, 1, "batch", 1, 0);
    options.deadline_ns = field(lua, 1, "deadline", MS, 0);
    options.chain.ledger.sessions_max = (uint32_t)field(lua, 1, "sessions", 1, 0);
    options.chain.ledger.state_bytes_max = field(lua, 1, "state_bytes", 1, 0);
    options.chain.ledger.session_idle_ns = field(lua, 1, "session_idle", MS, 0);
    options.chain.core.view_timeout_ns = field(lua, 1, "view_timeout", MS, 0);
    options.chain.core.request_patience_ns = field(lua, 1, "patience", MS, 0);
    options.chain.core.leader_views = field(lua, 1, "leader_views", 1, 0);
    options.chain.core.payload_bytes_max = (uint32_t)field(lua, 1, "payload_kib", 1024, 0);
    options.chain.payload = payload_at(lua, 1);
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

/* ---- time ---- */

static int word_wait(lua_State *lua) {
    world_t *w = script_world(lua);
    world_until(w, world_now_ns(w) + time_at(lua, 1));
    go_on(lua);
    return 0;
}

/* Until everything is answered and executed; true, or false after so long. */
static int word_settle(lua_State *lua) {
    world_t *w = script_world(lua);
    bool settled = world_settle(w, world_now_ns(w) + time_at(lua, 1));
    go_on(lua);
    lua_pushboolean(lua, settled);
    return 1;
}

/* ---- faults ---- */

static int word_crash(lua_State *lua) {
    world_crash(script_world(lua), script_member(lua, 1));
    return 0;
}

static int word_power_off(lua_State *lua) {
    world_power_off(script_world(lua), script_member(lua, 1));
    return 0;
}

static int word_restart(lua_State *lua) {
    world_restart(script_world(lua), script_member(lua, 1));
    return 0;
}

static uint64_t set_at(lua_State *lua, int at) {
    uint64_t set = 0;
    luaL_checktype(lua, at, LUA_TTABLE);
    for (lua_Integer i = 1; lua_geti(lua, at, i) != LUA_TNIL; i++) {
        member_t member = script_member(lua, -1);
        luaL_argcheck(lua, member < WORLD_CUTS_MAX, at, "only the first 64 members can be cut");
        set |= UINT64_C(1) << member;
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    return set;
}

/* cut({0}, {1, 2}): one way, from the first to the second. */
static int word_cut(lua_State *lua) {
    world_cut(script_world(lua), set_at(lua, 1), set_at(lua, 2));
    return 0;
}

static int word_cut_off(lua_State *lua) {
    world_cut_off(script_world(lua), script_member(lua, 1));
    return 0;
}

static int word_heal(lua_State *lua) {
    world_heal(script_world(lua));
    return 0;
}

static int word_reset(lua_State *lua) {
    member_t a = script_member(lua, 1), b = script_member(lua, 2);
    luaL_argcheck(lua, a != b, 2, "two members are expected");
    world_reset_link(script_world(lua), a, b);
    return 0;
}

/* trap(member, skip, "before", "after" or "power"): the append behind the next `skip` stops the
 * node. */
static int word_trap(lua_State *lua) {
    static const char *const points[] = {"before", "after", "power", NULL};
    member_t member = script_member(lua, 1);
    uint32_t skip = (uint32_t)script_within(lua, 2, 0, 1000000);
    world_trap(script_world(lua), member, skip,
               (trap_point_t)(TRAP_BEFORE + luaL_checkoption(lua, 3, NULL, points)));
    return 0;
}

static int word_fill_disk(lua_State *lua) {
    world_fill_disk(script_world(lua), script_member(lua, 1), true);
    return 0;
}

static int word_empty_disk(lua_State *lua) {
    world_fill_disk(script_world(lua), script_member(lua, 1), false);
    return 0;
}

static int word_fail_disk(lua_State *lua) {
    world_fail_disk(script_world(lua), script_member(lua, 1));
    return 0;
}

/* Whether there was anything to damage. */
static int word_rot(lua_State *lua) {
    lua_pushboolean(lua, world_rot(script_world(lua), script_member(lua, 1)));
    return 1;
}

static int word_slow_disk(lua_State *lua) {
    world_slow_disk(script_world(lua), script_member(lua, 1), time_at(lua, 2));
    return 0;
}

/* slow_link(member, bytes): so many a second leave it; 0: as the cluster says. */
static int word_slow_link(lua_State *lua) {
    member_t member = script_member(lua, 1);
    world_slow_link(script_world(lua), member, (uint64_t)script_within(lua, 2, 0, 1LL << 40));
    return 0;
}

static int word_slow_node(lua_State *lua) {
    world_slow_node(script_world(lua), script_member(lua, 1), time_at(lua, 2));
    return 0;
}

/* rot_snapshot(member, slot): a bit of a stored snapshot flips; false: there is none */
static int word_rot_snapshot(lua_State *lua) {
    member_t member = script_member(lua, 1);
    uint32_t slot = (uint32_t)script_within(lua, 2, 0, 1);
    lua_pushboolean(lua, world_rot_snapshot(script_world(lua), member, slot));
    return 1;
}

static int word_step_clock(lua_State *lua) {
    lua_Number ms = luaL_checknumber(lua, 2);
    luaL_argcheck(lua, ms >= -1e9 && ms <= 1e9, 2, "a time in milliseconds is expected");
    world_step_clock(script_world(lua), script_member(lua, 1), (int64_t)(ms * MS));
    return 0;
}

static int word_calm(lua_State *lua) {
    world_calm(script_world(lua));
    return 0;
}

/* ---- looking ---- */

void script_set_number(lua_State *lua, const char *name, uint64_t value) {
    lua_pushinteger(lua, (lua_Integer)value);
    lua_setfield(lua, -2, name);
}

static int word_status(lua_State *lua) {
    world_t *w = script_world(lua);
    member_t member = script_member(lua, 1);
    status_report_t status = world_status(w, member);
    lua_newtable(lua);
    lua_pushboolean(lua, world_up(w, member));
    lua_setfield(lua, -2, "up");
    script_set_number(lua, "view", status.view);
    script_set_number(lua, "leader", status.leader);
    script_set_number(lua, "certified", status.certified);
    script_set_number(lua, "final", status.final);
    script_set_number(lua, "executed", status.executed);
    script_set_number(lua, "views_failed", status.views_failed);
    script_set_number(lua, "snapshot", status.snapshot_height);
    script_set_number(lua, "pending", status.pending_requests);
    script_set_number(lua, "peers", status.peers_connected);
    script_set_number(lua, "refused", status.frames_dropped);
    return 1;
}

static int word_roots_equal(lua_State *lua) {
    lua_pushboolean(lua, world_roots_equal(script_world(lua)));
    return 1;
}

static int word_now(lua_State *lua) {
    lua_pushnumber(lua, (lua_Number)world_now_ns(script_world(lua)) / MS);
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
                                     {"fill_disk", word_fill_disk},
                                     {"empty_disk", word_empty_disk},
                                     {"fail_disk", word_fail_disk},
                                     {"rot", word_rot},
                                     {"slow_disk", word_slow_disk},
                                     {"slow_link", word_slow_link},
                                     {"slow_node", word_slow_node},
                                     {"step_clock", word_step_clock},
                                     {"rot_snapshot", word_rot_snapshot},
                                     {"calm", word_calm},
                                     {"status", word_status},
                                     {"roots_equal", word_roots_equal},
                                     {"now", word_now},
                                     {"say", word_say},
                                     {"expect", word_expect},
                                     {NULL, NULL}};
    for (const luaL_Reg *word = words; word->name != NULL; word++)
        lua_register(lua, word->name, word->func);
    script_register_clients(lua);
}
