-- The disk of one member is full. It promises nothing that it cannot write down, and waits; three others
-- go on. Without one of those three nothing can be decided, for two written promises are not a quorum;
-- as soon as there is room, everything goes on and all agree (attack F6).
cluster{members = 4, clients = 1, seed = 11, retry = 300}
submit(0, "increment", "x")
expect(settle(5000))

fill_disk(3)
local first = submit(0, "increment", "x")
wait(3000)
expect(select(2, answer(0, first)) == 2, "three of four are enough")

crash(2)
local second = submit(0, "increment", "x")
wait(10000)
expect(answer(0, second) == nil, "two that can write and one that cannot decide nothing")

empty_disk(3)
wait(10000)
expect(select(2, answer(0, second)) == 3, "there is room: it votes again")
restart(2)
expect(settle(60000))
expect(roots_equal())
