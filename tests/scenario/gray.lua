-- Gray failures (attack N6): members that are there in every way but one. Their links live, they
-- greet, they answer who lags behind, and their work does not get done: member 0 leads and proposes
-- nothing, member 1 takes requests and passes none on, and the disk of member 2 of ten hangs. What
-- counts is the work: a leader is judged by what becomes final, a replica by answers to requests.
cluster{members = 10, clients = 1, seed = 6, retry = 300, view_timeout = 500, batch = 1,
        liars = {[0] = "silent", [1] = "replies"}, lies = 1}
fill_disk(2)

local function takes()
    local start = now()
    local request = submit(0, "increment", "x")
    while answer(0, request) == nil and now() < start + 60000 do wait(1) end
    expect(select(1, answer(0, request)) == "ok")
    return now() - start
end

local first = takes()
expect(first < 2000, "who proposes nothing does not lead for long: " .. first .. " ms")
local slow = 0
for _ = 1, 30 do
    if takes() > 100 then slow = slow + 1 end
    wait(100)
end
-- Member 1 leads now and swallows what the client gives it first; the client asks all, and goes
-- elsewhere for a while, until the others' word that 1 leads brings it back.
expect(slow <= 10, "a client leaves whoever does not answer: " .. slow .. " of 30 were slow")
empty_disk(2)
expect(settle(60000))
expect(roots_equal())
