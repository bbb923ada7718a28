/* The words of a script about clients: work for them, what became of it, and what their cores know.
 * Clients and their operations count from 0. */
#include <stdio.h>

#include "app/kv_client.h"
#include "codec/request.h"
#include "sim/script_state.h"

/* More than a request may hold: what is too large is for the client to say. */
#define OPERATION_ROOM (REQUEST_BYTES_MAX + 4096)

static uint32_t client_at(lua_State *lua, int at) {
    return (uint32_t)script_within(lua, at, 0, (lua_Integer)world_clients(script_world(lua)) - 1);
}

static uint32_t request_at(lua_State *lua, int at, uint32_t client) {
    lua_Integer count = world_submitted(script_world(lua), client);
    return (uint32_t)script_within(lua, at, 0, count - 1);
}

/* submit(client, "increment", key [, by]), "set", key, value, "get", key, "delete", key */
static int word_submit(lua_State *lua) {
    static const char *const verbs[] = {"increment", "set", "get", "delete", NULL};
    world_t *w = script_world(lua);
    static uint8_t room[OPERATION_ROOM];
    writer_t writer = writer_of(room, sizeof room);
    uint32_t client = client_at(lua, 1);
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
    uint32_t request = world_submit(w, client, writer_bytes(&writer));
    if (request == WORLD_BUSY)
        return luaL_error(lua, "the client takes no more: its queue is full");
    lua_pushinteger(lua, request);
    return 1;
}

static int word_send_again(lua_State *lua) {
    world_t *w = script_world(lua);
    uint32_t client = client_at(lua, 1);
    uint32_t request = request_at(lua, 2, client);
    world_send_again(w, client, request,
                     lua_isnoneornil(lua, 3) ? WORLD_ALL : script_member(lua, 3));
    return 0;
}

/* What an operation said: a number, a string, true or false, or nil. */
static void push_result(lua_State *lua, bytes_t result) {
    int64_t number = 0;
    bool present = false;
    kv_maybe_t value = {0};
    if (kv_read_increment(result, &number))
        lua_pushinteger(lua, number);
    else if (kv_read_was_present(result, &present))
        lua_pushboolean(lua, present);
    else if (kv_read_get(result, &value) && value.present)
        lua_pushlstring(lua, (const char *)value.value.data, value.value.size);
    else
        lua_pushnil(lua);
}

static const char *outcome_word(synod_status status) {
    switch (status) {
    case SYNOD_OK:
        return "ok";
    case SYNOD_UNKNOWN:
        return "unknown";
    case SYNOD_BUSY:
        return "busy";
    default:
        return "failed";
    }
}

/* Nothing yet, or the outcome, what it says, and whether that is settled. */
static int word_answer(lua_State *lua) {
    world_t *w = script_world(lua);
    uint32_t client = client_at(lua, 1);
    uint32_t request = request_at(lua, 2, client);
    world_outcome_t outcome = world_outcome(w, client, request);
    if (!outcome.answered && !outcome.reported)
        return 0;
    lua_pushstring(lua, outcome_word(outcome.status));
    push_result(lua, outcome.result);
    lua_pushboolean(lua, outcome.answered);
    return 3;
}

/* What its core knows and has counted. */
static int word_client(lua_State *lua) {
    const client_t *core = world_client(script_world(lua), client_at(lua, 1));
    client_counters_t c;
    client_counters(core, &c);
    lua_newtable(lua);
    script_set_number(lua, "session", client_session(core));
    script_set_number(lua, "waiting", client_waiting(core));
    script_set_number(lua, "requests", c.requests);
    script_set_number(lua, "retries", c.retries);
    script_set_number(lua, "unknown", c.unknown);
    script_set_number(lua, "resolved", c.resolved);
    script_set_number(lua, "lies", c.lies);
    script_set_number(lua, "busy", c.busy);
    script_set_number(lua, "sessions_opened", c.sessions_opened);
    script_set_number(lua, "sessions_expired", c.sessions_expired);
    if (client_preferred(core) != MEMBER_NONE)
        script_set_number(lua, "preferred", client_preferred(core));
    return 1;
}

/* No member and this client reach each other, until heal(). */
static int word_cut_client(lua_State *lua) {
    world_cut_client(script_world(lua), client_at(lua, 1));
    return 0;
}

void script_register_clients(lua_State *lua) {
    static const luaL_Reg words[] = {
        {"submit", word_submit}, {"send_again", word_send_again}, {"answer", word_answer},
        {"client", word_client}, {"cut_client", word_cut_client}, {NULL, NULL}};
    for (const luaL_Reg *word = words; word->name != NULL; word++)
        lua_register(lua, word->name, word->func);
}
