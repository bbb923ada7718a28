-- What tools/bench.sh found about sizes and faults, and about leaders: the tables of docs/guide/bench.md.
--
--   lua sizes.lua collect LINES OUT.json  lines "CONDITION<tab>{...}", two of each: closed loop, and one
--                                         request at a time
--   lua sizes.lua table FILE.json         for people
--   lua sizes.lua page FILE.json NAME PAGE  writes it between the two marks NAME of a page
package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local json = require("json")
local figures = require("figures")
local thousands = figures.thousands

local CONDITIONS = { healthy = "healthy", dead = "f dead", slow = "one slow member (+)",
    late = "leader just below the time-out (+)" }

-- One row of each two runs of the same thing.
local function collect(lines, out)
    local rows, by_name, head = {}, {}, {}
    for kind, text in lines:gmatch("(%w+)\t([^\n]*)") do
        if kind == "head" then
            head.when, head.machine = text:match("^(.-), (.*)$")
        else
            local found = json.decode(text)
            local name = ("%s %s %d %d"):format(kind, found.protocol, found.n, found.leader_views)
            local row = by_name[name]
            if not row then
                row = { condition = kind, protocol = found.protocol, n = found.n, dead = found.dead,
                    leader_views = found.leader_views, failed = 0, view_changes = 0 }
                by_name[name] = row
                rows[#rows + 1] = row
            end
            local alone = found.outstanding == 1 and "alone_" or ""
            for _, key in ipairs({ "p50_ms", "p99_ms", "operations_per_second", "cpu_us_per_operation" }) do
                row[alone .. key] = found[key]
            end
            row.failed = row.failed + found.failed
            row.view_changes = row.view_changes + found.view_changes
        end
    end
    head.rows = rows
    figures.write(out, json.encode(head) .. "\n")
end

local function leaders(row)
    return row.leader_views == 0 and "stays" or row.leader_views == 1 and "every view" or
        ("every %d views"):format(row.leader_views)
end

local COLUMNS = {
    { "validators", function(row)
        return row.condition == "dead" and ("%d, %d dead"):format(row.n, row.dead) or tostring(row.n)
    end },
    { "protocol", function(row) return "`" .. row.protocol .. "`" end },
    { "leader", leaders },
    { "with", function(row) return CONDITIONS[row.condition] end },
    { "op/s", function(row) return thousands(row.operations_per_second) end },
    { "p50 ms", function(row) return ("%.1f"):format(row.p50_ms) end },
    { "CPU us/op", function(row) return ("%.2f"):format(row.cpu_us_per_operation) end },
    { "alone p50 ms", function(row) return ("%.2f"):format(row.alone_p50_ms) end },
    { "alone p99 ms", function(row) return ("%.2f"):format(row.alone_p99_ms) end },
    { "view changes", function(row)
        return row.view_changes .. (row.failed > 0 and (", %d failed"):format(row.failed) or "")
    end },
}

-- What is the same in all rows is no column.
local function columns_of(rows)
    local columns = {}
    for i, column in ipairs(COLUMNS) do
        local differ = i > 4
        for _, row in ipairs(rows) do differ = differ or column[2](row) ~= column[2](rows[1]) end
        if differ then columns[#columns + 1] = column end
    end
    return columns
end

local function lines_of(results)
    local lines, rule, columns = { "|" }, "|", columns_of(results.rows)
    for _, column in ipairs(columns) do
        lines[1] = lines[1] .. " " .. column[1] .. " |"
        rule = rule .. (column[1]:find("[/ ]") and "---:|" or "---|")
    end
    lines[2] = rule
    for _, row in ipairs(results.rows) do
        local cells = { "|" }
        for _, column in ipairs(columns) do cells[#cells + 1] = " " .. column[2](row) .. " |" end
        lines[#lines + 1] = table.concat(cells)
    end
    lines[#lines + 1] = ""
    lines[#lines + 1] = ("%s, %s. (+): in a build with fault hooks."):format(results.when, results.machine)
    return lines
end

local word = arg[1]
if word == "collect" and arg[3] then
    collect(figures.read(arg[2]), arg[3])
elseif word == "table" and arg[2] then
    print(table.concat(lines_of(json.decode(figures.read(arg[2]))), "\n"))
elseif word == "page" and arg[4] then
    figures.put(arg[4], arg[3], lines_of(json.decode(figures.read(arg[2]))))
else
    io.stderr:write("usage: sizes.lua collect LINES OUT | table FILE | page FILE NAME PAGE\n")
    os.exit(2)
end
