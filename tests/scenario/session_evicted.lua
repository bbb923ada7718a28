-- The chain keeps room for one session only, and gives it to whoever needs it when its owner has been
-- silent. The owner comes back under an old number: it learns that the session is gone from f + 1
-- members, opens another one, and no request of the old session runs in the new one (attack C7).
cluster{members = 4, clients = 2, seed = 7, sessions = 1, session_idle = 1000, retry = 300}
submit(0, "increment", "x")
expect(settle(5000))
local old = client(0).session
expect(old > 0)

wait(3000)
local theirs = submit(1, "increment", "x")
expect(settle(30000), "the second client gets the place")
expect(select(2, answer(1, theirs)) == 2)
expect(client(1).session > old, "numbers of sessions only grow")

wait(3000)
local again = submit(0, "increment", "x")
expect(settle(30000), "and the first one comes back in a session of its own")
expect(select(2, answer(0, again)) == 3, "three increments are three")
expect(client(0).session > client(1).session)
expect(roots_equal())
