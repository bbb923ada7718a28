-- Schedule X18 (attack N2): links fail in one direction around the ring, so that everybody reaches
-- somebody and is reached by somebody, but not by the same ones.
cluster{members = 4, clients = 1, seed = 18}
submit(0, "increment", "x")
expect(settle(5000))

for member = 0, 3 do cut({member}, {(member + 1) % 4}) end
submit(0, "increment", "x")
wait(60000)
heal()
expect(settle(30000), "it goes on once the links are whole")
local _, number = answer(0, 1)
expect(number == 2)
expect(roots_equal(), "no fork")
