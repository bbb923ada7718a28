-- A leader crashes: the others notice by the clock, agree that its term is over, and the next one
-- goes on from the highest certificate. What was answered stays; the old leader catches up.
cluster{members = 4, clients = 1, seed = 1}

local first = submit(0, "increment", "visits")
expect(settle(5000), "a quiet cluster answers")
local leader = status(0).leader
say("member " .. leader .. " leads and is killed now")
crash(leader)

local second = submit(0, "increment", "visits")
expect(settle(20000), "three of four are enough")
local _, number = answer(0, second)
expect(number == 2, "the first increment was not forgotten")

for member = 0, 3 do
    if member ~= leader then
        expect(status(member).leader ~= leader, "the crashed one does not lead any more")
        expect(status(member).views_failed >= 1, "a view was left by time-out")
    end
end

say("it comes back from its journal and fetches what it missed")
restart(leader)
expect(settle(20000), "it catches up although nothing new is asked for")
expect(roots_equal(), "all four hold the same state")
expect(select(1, answer(0, first)) == "ok")
