-- Every operation costs 2 ms of processor and every frame 0.1 ms. A burst of 400 operations is 800 ms of
-- work on each member: the views must not fail for it, nobody is taken for dead who is only busy, and
-- the burst takes about as long as its work.
cluster{members = 4, clients = 1, seed = 22, frame_cost = 0.1, kib_cost = 0.01, operation_cost = 2,
        view_timeout = 1000, retry = 2000, batch = 4, window = 64}
while client(0).session == 0 do wait(1) end
local start = now()
for _ = 1, 20 do
    for _ = 1, 20 do submit(0, "increment", "x") end
    wait(15)
end
expect(settle(20000))
local ms = now() - start
say("400 operations in " .. ms .. " ms")
expect(ms > 800, "work takes time")
expect(ms < 3000, "and not much more than that")
for member = 0, 3 do expect(status(member).views_failed == 0, "no view failed") end
expect(roots_equal())
