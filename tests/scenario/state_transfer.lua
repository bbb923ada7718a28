-- A member is away until nobody keeps the blocks any more that it lacks: it fetches a snapshot, and a
-- member that lies about snapshots costs it time and nothing else. Then both of its snapshots rot
-- while it is down: it says so, keeps its promises, and fetches a state again.
cluster{members = 4, clients = 1, seed = 5, checkpoint_blocks = 4, segments = 8, segment_kib = 128,
    snapshot_kib = 64, liars = {[1] = "snapshots"}}

local function work(count)
    for i = 1, count do
        submit(0, "increment", "counter")
    end
    expect(settle(60000), "answered and executed by all that are up")
end

work(5)
crash(3)
for round = 1, 30 do work(8) end
local before = status(0).executed
say("the others are at height " .. before .. "; member 3 comes back")
restart(3)
expect(settle(60000), "it has caught up")
expect(roots_equal(), "with the same state")
expect(status(3).snapshot > 0, "by a snapshot")

for round = 1, 30 do work(8) end
expect(status(3).snapshot > before, "and takes its own again")
power_off(3)
expect(rot_snapshot(3, 0) and rot_snapshot(3, 1), "there are two to damage")
for round = 1, 30 do work(8) end
restart(3)
expect(settle(60000), "caught up once more")
expect(roots_equal(), "nothing of the damage is in the state")
