-- All members lose power right after the client has its answer. The block that ran was final, but the
-- mark that says so need not be durable anywhere. It has to come back, on all of them, although nobody
-- asks for anything new: what was answered is not lost because the world became quiet.
cluster{members = 4, clients = 1, seed = 4, sync = 5, batch = 1}
while client(0).session == 0 do wait(1) end
for round = 1, 12 do
    local request = submit(0, "increment", "x")
    while answer(0, request) == nil do wait(1) end
    wait(round % 4)
    for member = 0, 3 do power_off(member) end
    wait(100)
    for member = 0, 3 do restart(member) end
    expect(settle(30000), "executed again everywhere, without a new request")
    expect(roots_equal())
end
local last = submit(0, "get", "x")
expect(settle(30000))
expect(#select(2, answer(0, last)) == 8, "the counter is there")
