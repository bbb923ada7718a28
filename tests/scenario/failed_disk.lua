-- An append fails once (attack F2). Nobody knows then what of it is on the disk, and a second try may
-- report success for bytes that are gone. So the replica ends, with a reason, and never goes on as if
-- the write were there; its next life takes what it finds. Each member in turn, at several moments.
cluster{members = 4, clients = 1, seed = 12, retry = 300, batch = 1, window = 64}
while client(0).session == 0 do wait(1) end
for round = 1, 16 do
    local member = round % 4
    fail_disk(member)
    for _ = 1, 3 do submit(0, "increment", "x") end
    wait(20)
    expect(not status(member).up, "it has ended")
    wait(1500)
    if round % 3 == 0 then power_off(member) end
    restart(member)
    wait(200)
end
expect(settle(60000))
local last = submit(0, "increment", "x")
expect(settle(5000))
expect(select(2, answer(0, last)) == 49, "forty-eight ran, each once")
expect(roots_equal(), "its next life has what it had promised")
