-- Two of seven lie to clients: they answer before anything has run, both alike, swallow requests, name
-- themselves as the leader, send storms of "busy", tell other clients' answers and say that sessions are
-- gone. A client believes only what three say, so that one of them is honest (attacks C4, C5).
cluster{members = 7, clients = 3, seed = 9, window = 16, batch = 2, retry = 300,
        liars = {[1] = "replies", [4] = "replies"}, lies = 0.9}
while client(0).session == 0 do wait(1) end
for round = 1, 20 do
    for c = 0, 2 do submit(c, "increment", "x") end
    wait(40)
end
expect(settle(60000), "requests that a liar swallows go to the others in time")
local told = {}
for c = 0, 2 do
    for number = 0, 19 do
        local outcome, value = answer(c, number)
        expect(outcome == "ok" and value >= 1 and value <= 60 and not told[value], "sixty are sixty")
        told[value] = true
    end
    expect(client(c).sessions_opened == 1, "nobody talks a client out of its session")
end
expect(client(0).lies + client(1).lies + client(2).lies > 0, "and the liars are known")
expect(roots_equal())
