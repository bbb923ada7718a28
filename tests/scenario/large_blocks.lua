-- Sixty blocks of 450 KB: a run of them is three times what a link's lane of catch-up holds, and an
-- uplink of 4 MB a second takes almost seven seconds for it. Whoever serves it ends it at a proof after a
-- few MiB and is asked for the next piece, so that hardly anything is sent in vain. Without that the lane
-- overflowed, and it took 14.9 s.
cluster{members = 4, clients = 1, seed = 31, bandwidth = 4000000, view_timeout = 2000, retry = 5000,
        batch = 1, window = 1, payload_kib = 512, segments = 16, segment_kib = 8192}
local value = string.rep("v", 450000)
while client(0).session == 0 do wait(1) end
crash(3)
for i = 1, 60 do
    submit(0, "set", "key" .. i, value)
    expect(settle(20000))
end
local start = now()
restart(3)
while status(3).executed < status(0).executed do wait(10) end
local ms = now() - start
say("caught up in " .. ms .. " ms; " .. 60 * #value / 4000 .. " ms of the uplink are needed")
expect(ms < 9000, "the uplink carries little else than what is taken")
expect(settle(30000))
expect(roots_equal())
