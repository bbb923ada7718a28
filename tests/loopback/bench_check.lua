-- What bench_test.sh measured: kill.json and kill.html of one run, lie.text and lie.html of another.
package.path = "tools/?.lua;tests/loopback/?.lua;" .. package.path
local json = require("json")
local measured = require("measured")
local check, read = measured.check, measured.read
-- Of `count` draws: within six standard deviations, by chance wrong once in 10^9 runs.
local function near(what, share, count, expected)
    local sigma = math.sqrt(expected * (1 - expected) / count)
    check(math.abs(share - expected) <= 6 * sigma, "%s: %.4f of %d, expected %.4f +- %.4f", what,
        share, count, expected, 6 * sigma)
end
-- Rows of a page's table as lists of its cells' texts.
local function table_of(page, id)
    local rows = {}
    local body = page:match('<table id="' .. id .. '">(.-)</table>')
    for row in body:gmatch("<tr>(.-)</tr>") do
        local cells = {}
        for cell in row:gmatch("<t[hd][^>]*>([^<]*)</t[hd]>") do cells[#cells + 1] = cell end
        rows[#rows + 1] = cells
    end
    return rows
end
local function figure(page, name)
    for _, row in ipairs(table_of(page, "figures")) do
        if row[1] == name then return tonumber(row[2]) end
    end
end
local function series_sum(page)
    local sum, rows = 0, table_of(page, "series")
    for i = 2, #rows do sum = sum + tonumber(rows[i][2]) end
    return sum, #rows - 1
end
local function bars(page)
    return select(2, page:gsub('<rect class="bar"', ""))
end

local run, page = json.decode(read("kill.json")), read("kill.html")

-- the profile
near("reads", run.reads.operations / (run.reads.operations + run.writes.operations),
    run.reads.operations + run.writes.operations, 0.3)
local harmonic = 0
for k = 1, 200 do harmonic = harmonic + 1 / k end
near("the first key", run.profile.hottest_key_share, run.completed, 1 / harmonic)
check(run.failed == 0 and run.unanswered == 0, "%d failed, %d without an answer", run.failed,
    run.unanswered)

-- one set of figures
local sum = 0
for _, interval in ipairs(run.series) do
    sum = sum + interval.completed
    check((interval.p50_ms ~= nil) == (interval.completed > 0), "a latency of nothing")
end
check(#run.series == 60, "%d intervals", #run.series)
check(sum == run.completed, "the series has %d, the run %d", sum, run.completed)
local page_sum, page_rows = series_sum(page)
check(page_sum == sum and page_rows == #run.series and bars(page) == #run.series,
    "the page has %d in %d rows and %d bars", page_sum, page_rows, bars(page))
check(figure(page, "operations") == run.completed and
    figure(page, "throughput") == run.operations_per_second, "the page's figures differ")
check(#table_of(page, "events") == #run.events + 1, "the page's events differ")
local style = page:match("<style>(.-)</style>")
check(style and not style:find("}%s*{"), "a rule of the page's style is for nothing")
check(style and style:find(".badge{stroke:var(--kill)", 1, true), "a strike has no colour")

-- the gap and the recovery: nothing can be ordered before the others have lost their patience, 300
-- ms, less what they had waited already
local kill, back, changed
for _, event in ipairs(run.events) do
    if event.what == "kill" then kill = event end
    if event.what == "restart" then back = event end
    if event.what == "view-change" then changed = changed or event end
end
check(kill and kill.led and kill.at_s >= 0.5, "no kill of a leader")
check(back and back.member == kill.member and back.at_s >= 1.5, "no restart of who was killed")
check(changed and changed.at_s > kill.at_s and changed.member ~= kill.member, "no change of view")
check(run.view_changes >= 1, "%d changes of view", run.view_changes)
check(kill.pause_ms > 150 and kill.pause_ms < 2500, "a pause of %.0f ms", kill.pause_ms)
check(run.max_ms > kill.pause_ms * 0.9, "the longest latency, %.0f ms, leaves the stall out",
    run.max_ms)
local empty, last = 0, 0
for _, interval in ipairs(run.series) do
    if interval.at_s > kill.at_s and interval.completed == 0 then empty = empty + 1 end
    if interval.at_s >= 2.0 then last = last + interval.completed end
end
check(empty >= 2, "%d empty intervals after the kill", empty)
check(last >= 250, "%d operations in the last second, 500 were due", last)

-- half of them dead: of 200 that were due those of the first 0.2 s have an answer
local dead = json.decode(read("dead.json"))
check(dead.unanswered > 100 and dead.failed > 100, "%d without an answer, %d failed",
    dead.unanswered, dead.failed)
check(dead.completed + dead.unanswered <= 200 + 5, "%d answered and %d not", dead.completed,
    dead.unanswered)
check(dead.max_ms < 5000, "a latency of %.0f ms of what was not answered", dead.max_ms)

-- a liar: told as text and as a page
local text, lie = read("lie.text"), read("lie.html")
local operations = tonumber(text:match("\n  operations +(%d+)"))
local rate = tonumber(text:match("\n  operations/s +(%d+)"))
check(operations == figure(lie, "operations") and rate == figure(lie, "throughput") and
    operations == (series_sum(lie)), "text and page differ")
check(text:find("the leader, equivocates", 1, true), "no lie in the text")
check(text:find("the view changed", 1, true), "equivocation changed no view")
local pause = tonumber(text:match("equivocates from here on; longest time without an answer then ([%d.]+)"))
check(pause and pause > 0.15, "equivocation had no effect: a pause of %s s", pause)
check(tonumber(text:match("\n  failed +(%d+)")) == 0, "operations failed")
local first = tonumber(text:match("the first took ([%d.]+) %%")) / 100
check(first * 5 < run.profile.hottest_key_share, "uniform is as concentrated as zipf: %.4f", first)
os.exit(measured.failures == 0 and 0 or 1)
