-- What misbehave_test.sh measured: slow.json, delay.json and withhold.json.
package.path = "tools/?.lua;tests/loopback/?.lua;" .. package.path
local json = require("json")
local measured = require("measured")
local check, read = measured.check, measured.read
local function event(run, what, after_s)
    for _, found in ipairs(run.events) do
        if found.what == what and found.at_s >= (after_s or 0) then return found end
    end
    check(false, "%s never happened", what)
    return { at_s = 0, text = "" }
end
-- Of what was answered in the intervals between two times: how much, and the least and the greatest
-- of their medians.
local function medians(run, from_s, to_s)
    local count, least, greatest = 0, math.huge, 0
    for _, interval in ipairs(run.series) do
        if interval.at_s >= from_s and interval.at_s + 0.1 <= to_s and interval.p50_ms then
            count = count + interval.completed
            least, greatest = math.min(least, interval.p50_ms), math.max(greatest, interval.p50_ms)
        end
    end
    return count, least, greatest
end
local function same(run, what, member)
    check(run.failed == 0, "%d operations failed", run.failed)
    check(event(run, what).member == member, "%s hit another member", what)
end

-- One of four is dead, so that the slow one's vote is needed, after at least a turn of its loop.
local slow = json.decode(read("slow.json"))
same(slow, "slow", 1)
check(slow.dead == 1, "%s dead", slow.dead)
local _, before = medians(slow, 0, 0.5)
local count, after = medians(slow, 0.8, 2)
check(before < 100, "%.0f ms before it was slow", before)
check(count > 0 and after >= 100, "%d answers, after %.0f ms at least, when one is slow", count, after)
check(event(slow, "slow").text:find("100 ms", 1, true), "the text does not say how slow")

-- A request needs two blocks, each held for 400 ms; and the leader stays until it falls silent.
local delay = json.decode(read("delay.json"))
same(delay, "delay", 0)
same(delay, "silent", 0)
local silent = event(delay, "silent")
count, after = medians(delay, 1.2, silent.at_s)
check(count > 0 and after >= 780, "%d answers, after %.0f ms at least, when held twice 400 ms", count,
    after)
local change = event(delay, "view-change")
check(change.at_s > silent.at_s and change.member ~= 0, "the view changed at %.2f s to %s",
    change.at_s, change.member)
count, after = medians(delay, change.at_s + 0.2, 4.5)
check(count > 0 and after < 400, "%d answers, after %.0f ms at least, from the next leader", count, after)

-- With one dead and one left out there is no quorum until the next one leads.
local withhold = json.decode(read("withhold.json"))
same(withhold, "withhold", 0)
change = event(withhold, "view-change", event(withhold, "withhold").at_s)
check(change.member ~= 0, "the leader that leaves one out stays")
check((event(withhold, "withhold").pause_ms or 0) > 150, "nobody missed the one that was left out")
os.exit(measured.failures == 0 and 0 or 1)
