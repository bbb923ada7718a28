-- All members lose power at once, in the middle of work, at twenty different moments. Whoever was
-- told "done" before finds it done afterwards; nothing runs twice, although the client asks again.
local requests = {}
cluster{members = 4, clients = 1, seed = 7, window = 64, batch = 1, retry = 100}
while client(0).session == 0 do wait(1) end

local expected = 0
for round = 1, 20 do
    for _ = 1, 3 do
        requests[#requests + 1] = submit(0, "increment", "money")
        expected = expected + 1
    end
    wait(3 + 3 * round % 22)
    for member = 0, 3 do power_off(member) end
    wait(50)
    for member = 0, 3 do restart(member) end
    wait(800)
end

expect(settle(200000), "everything is answered in the end")
local told = {}
for _, request in ordered(requests) do
    local outcome, number = answer(0, request)
    expect(outcome == "ok" and number >= 1 and number <= expected, "sixty increments are sixty")
    expect(not told[number], "the number " .. number .. " was told twice: it ran twice")
    told[number] = true
end
expect(roots_equal(), "all members agree")
