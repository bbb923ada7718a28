-- Certified and never final. The leader changes each view, and whoever leads an even view has a full
-- disk until that view is over: it collects the votes of the view before, but proposes nothing. So no
-- two certified blocks are of consecutive views. However long that goes on, some eight uncertain
-- blocks are enough: then the last one is proposed again, until the disks have room.
cluster{members = 4, clients = 2, seed = 5, leader_views = 1, view_timeout = 50, patience = 100000,
        batch = 1, retry = 200}
while client(0).session == 0 or client(1).session == 0 do wait(1) end
expect(settle(10000), "sessions are open")

local function view_of_all()
    local view = 0
    for m = 0, 3 do view = math.max(view, status(m).view) end
    return view
end

local function fill(view)
    local full = (view % 2 == 0 and view - 1 or view) % 4 -- the leader of the even view
    for m = 0, 3 do
        if m == full then fill_disk(m) else empty_disk(m) end
    end
end

local last = view_of_all()
fill(last)
for round = 1, 30 do
    submit(round % 2, "increment", "x")
end
local failed, most = status(0).views_failed, 0
while status(0).views_failed < failed + 30 do
    local view = view_of_all()
    if view ~= last then fill(view) end
    last = view
    for m = 0, 3 do most = math.max(most, status(m).certified - status(m).final) end
    wait(1)
end
say("certified above final: " .. most)
expect(most >= 8, "blocks were certified and not final")
expect(most <= 9, "and not more than eight or so")
for m = 0, 3 do empty_disk(m) end
expect(settle(60000), "the first good views make all of it final")
expect(roots_equal())
