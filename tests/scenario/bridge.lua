-- Two halves of seven that do not hear each other, and one member that hears and reaches all: a
-- bridge (attack N2). Neither half is a quorum, and no two of different halves can speak. The
-- bridge hears every time-out, so the proof that a view has failed comes together at it, and views
-- go on in both halves until it leads; then everything goes through it.
cluster{members = 7, clients = 1, seed = 5, retry = 1000, view_timeout = 500}
submit(0, "increment", "x")
expect(settle(10000))

cut({0, 1, 2}, {4, 5, 6})
cut({4, 5, 6}, {0, 1, 2})
local start = now()
local request = submit(0, "increment", "x")
while answer(0, request) == nil and now() < start + 120000 do wait(10) end
expect(select(2, answer(0, request)) == 2, "the bridge leads")
say("decided over the bridge after " .. now() - start .. " ms, led by " .. status(3).leader)
expect(settle(60000), "and everybody executes it")
start = now()
for _ = 1, 10 do request = submit(0, "increment", "x") end
expect(settle(10000))
say("ten more took " .. now() - start .. " ms")
heal()
expect(settle(60000))
expect(roots_equal())
