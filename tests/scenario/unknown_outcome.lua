-- "No answer in time" is a third outcome, neither done nor failed (attack C8). A client is cut off with
-- its request under way and gives up waiting; nobody can say then whether it ran. The session settles
-- it: the same request, sent again under the same number, runs once or finds that it has run.
cluster{members = 4, clients = 2, seed = 8, deadline = 2000, retry = 300}
submit(0, "increment", "money")
expect(settle(5000), "a quiet cluster answers")

say("it arrives and runs, but the answer does not come back")
local lost = submit(0, "increment", "money")
wait(3)
cut_client(0)
wait(2500)
local outcome, _, settled = answer(0, lost)
expect(outcome == "unknown" and not settled, "reported as unknown, and open")
expect(client(0).unknown == 1 and client(0).waiting == 0)

local other = submit(1, "get", "money")
expect(select(1, answer(1, other)) == nil)
wait(500)
expect(select(1, answer(1, other)) == "ok", "others go on meanwhile")

say("what was never sent is told so: nothing happened")
local unsent = submit(0, "increment", "money")
wait(2500)
expect(select(1, answer(0, unsent)) == "unknown", "it has no link, but the request was signed")

heal()
expect(settle(20000), "the links come back, and the truth with them")
for request, number in ordered({[lost] = 2, [unsent] = 3}) do
    local late, value, over = answer(0, request)
    expect(late == "ok" and over, "it ran")
    expect(value == number, "once, although it was sent many times: " .. tostring(value))
end
expect(client(0).resolved == 2, "both were learnt late")
expect(client(0).retries > 0)
expect(roots_equal())
