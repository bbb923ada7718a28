-- Bits of a journal change while its machine is off (attack F4). Where later records prove that
-- something acknowledged is damaged, the member refuses to start and says so: it would have to vote
-- without knowing what it promised. Where nothing proves it, because the damage hit the very last write,
-- that looks like a torn one, and the member counts among the faulty that the others bear.
cluster{members = 4, clients = 1, seed = 13, retry = 300, batch = 1, window = 64}
while client(0).session == 0 do wait(1) end
for _ = 1, 12 do
    submit(0, "increment", "x")
    wait(30)
end
expect(settle(10000))
power_off(2)
expect(rot(2), "its journal holds records")
restart(2)
wait(2000)
expect(not status(2).up, "it refuses: this seed damages a record in the middle")
local last = submit(0, "increment", "x")
expect(settle(20000), "the others go on")
expect(select(2, answer(0, last)) == 13)
expect(roots_equal())
restart(2)
wait(2000)
expect(not status(2).up, "and it refuses again")
