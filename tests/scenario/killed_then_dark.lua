-- A process is killed with a write under way: parts of it stay in the machine's cache, where the next
-- life reads them. Then the machine loses power. What the next life concluded from bytes that were not
-- durable would be a promise without ground: so the device is made durable before it is read.
cluster{members = 4, clients = 1, seed = 6, sync = 8, batch = 1, window = 64, retry = 200}
while client(0).session == 0 do wait(1) end
for round = 1, 24 do
    local member = round % 4
    for _ = 1, 3 do submit(0, "increment", "x") end
    wait(1 + round % 9)
    crash(member)
    restart(member)
    wait(round % 7)
    power_off(member)
    restart(member)
    wait(300)
end
expect(settle(60000))
expect(roots_equal(), "no damage where there was none, no promise forgotten")
