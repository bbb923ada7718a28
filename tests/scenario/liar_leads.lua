-- The first leader lies: it shows one block to one half of the members and another block to the other.
-- Each of them can get a few votes, never both a quorum: any two quorums of four share an honest
-- member, and that one votes once in a view.
cluster{members = 4, clients = 2, seed = 3, batch = 1, window = 64,
        liars = {[0] = {"equivocate", "vote_all"}}, lies = 0.5}

for _ = 1, 10 do
    submit(0, "increment", "a")
    submit(1, "increment", "b")
    wait(30)
end
expect(settle(60000), "honest members go on, whoever leads")
for client = 0, 1 do
    local _, number = answer(client, 9)
    expect(number == 10, "ten increments are ten")
end
expect(roots_equal(), "no fork")
