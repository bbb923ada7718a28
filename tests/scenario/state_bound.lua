-- The genesis says how much the application may hold: here ten entries of 192 + 4 + 300 bytes. The
-- eleventh fails everywhere alike, what needs no more room does not, and a deletion makes room. A member
-- that fetched the state from others, and one that was started again, have the same bound.
cluster{members = 4, clients = 1, seed = 41, state_bytes = 10 * 496, batch = 1, window = 64,
        checkpoint_blocks = 4, segments = 8, segment_kib = 128, snapshot_kib = 64}
local value = string.rep("v", 300)

local function outcome(...)
    local request = submit(0, ...)
    expect(settle(60000))
    local result = answer(0, request)
    return result
end

for i = 0, 9 do expect(outcome("set", "key" .. i, value) == "ok") end
expect(outcome("set", "more", "") == "failed", "there is no room for an eleventh")
expect(outcome("set", "key3", value) == "ok", "but for what takes the place of as much")
expect(outcome("set", "key3", value .. "v") == "failed")
expect(outcome("set", "key3", "") == "ok")
expect(outcome("set", "more", "") == "ok", "192 bytes of an entry and four of its key")
expect(outcome("set", "key3", value) == "failed")
expect(outcome("delete", "more") == "ok")
expect(outcome("set", "key3", value) == "ok", "full again")

crash(3)
for round = 1, 60 do
    for k = 1, 4 do submit(0, "set", "key" .. k * 2, value) end
    expect(settle(60000))
end
restart(3)
expect(settle(60000))
expect(status(3).snapshot > 0, "it fetched a snapshot")
crash(2)
restart(2)
expect(settle(60000))
expect(outcome("set", "more", "") == "failed", "the bound is the same in every life")
wait(5000)
expect(roots_equal())
