-- All members lose power for a while and come back with disks that take half a second to read. The
-- client's links are up again long before, and it has an operation that waits, whose retries have become
-- rare. A member says hello when it has recovered, not before, so what is sent to it is heard: the
-- answer is there soon after the disks are.
cluster{members = 4, clients = 1, seed = 51, batch = 1, retry = 1000, view_timeout = 300}
while client(0).session == 0 do wait(1) end
submit(0, "increment", "x")
expect(settle(10000))
for member = 0, 3 do power_off(member) end
local request = submit(0, "increment", "x")
wait(20000)
for member = 0, 3 do slow_disk(member, 500) end
local start = now()
for member = 0, 3 do restart(member) end
wait(600)
for member = 0, 3 do slow_disk(member, 0) end
while answer(0, request) == nil do wait(1) end
local ms = now() - start
say("answered after " .. ms .. " ms")
expect(ms < 1500, "half a second to recover, a view that times out, and little else")
