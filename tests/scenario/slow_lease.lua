-- Whoever leads may propose only in a term that its journal holds: what it said in another life it has
-- to remember. With a slow disk the record is not durable when the next proposal is ready; it waits.
cluster{members = 4, clients = 2, seed = 3, leader_views = 2, view_timeout = 400,
        batch = 1, window = 64, retry = 200}
while client(0).session == 0 do wait(1) end
for round = 1, 8 do
    local member = round % 4
    slow_disk(member, 60)
    for client = 0, 1 do
        for _ = 1, 3 do submit(client, "increment", "x") end
    end
    wait(150)
    crash(member)
    restart(member)
    wait(250)
    slow_disk(member, 0)
end
expect(settle(60000))
expect(roots_equal())
