-- The leader's uplink carries 400 KB a second. A member that was away fetches 640 KB from it,
-- more than one and a half seconds of that uplink. Consensus goes before catch-up in every queue, so clients are
-- answered meanwhile about as fast as before; then the leader's uplink gets slower still, and what is
-- asked for takes longer, but comes.
cluster{members = 4, clients = 1, seed = 21, bandwidth = 400000, view_timeout = 1000, retry = 2000,
        batch = 1, window = 64}
local value = string.rep("v", 2000)
while client(0).session == 0 do wait(1) end

local function takes(key, text)
    local start = now()
    local request = submit(0, "set", key, text)
    while answer(0, request) == nil do wait(1) end
    return now() - start
end

crash(3)
for i = 1, 40 do
    for k = 1, 8 do submit(0, "set", "key" .. i .. k, value) end
    wait(200)
end
expect(settle(20000))
local before = takes("before", "x")
restart(3)
wait(100)
local most = 0
while status(3).executed < status(0).executed - 5 do
    local ms = takes("while it catches up", "x")
    if ms > most then most = ms end
end
say("alone " .. before .. " ms, at most " .. most .. " ms while a member catches up")
expect(most < before + 250, "consensus waits for at most a few frames of catch-up")

expect(settle(20000))
local leader = status(0).leader
slow_link(leader, 20000)
local slow = takes("slow", value)
expect(slow > 200, "three copies of 2 KB take their time: " .. slow)
slow_link(leader, 0)
expect(settle(30000))
expect(roots_equal())
