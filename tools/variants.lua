-- What tools/bench.sh found about each protocol: a table, a picture of latency and throughput, and
-- the README's lines about it.
--
--   lua variants.lua names                   protocols that may run, from `synod protocols --json`
--   lua variants.lua collect LINES OUT.json  lines "KIND<tab>{...}" (curve, closed, alone, kill, floor)
--   lua variants.lua table FILE.json         for people
--   lua variants.lua svg FILE.json           the picture, self-contained, for light and dark
--   lua variants.lua readme FILE.json README writes the table between its two marks
package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua;" .. package.path
local json = require("json")
local figures = require("figures")
local read, write, thousands = figures.read, figures.write, figures.thousands

local KEPT = { "protocol", "rate", "operations_per_second", "p50_ms", "p99_ms", "failed",
    "unanswered", "view_changes", "cpu_us_per_operation", "bytes_per_operation",
    "operations_per_block", "pause_ms", "floor_c_us" }

-------------------------------------------------------------------------------------------------
-- collecting
-------------------------------------------------------------------------------------------------

local function names(list)
    for _, protocol in ipairs(json.decode(list)) do
        if protocol.runs then print(protocol.name) end
    end
end

local function collect(lines, out)
    local rows, head = {}, {}
    for kind, text in lines:gmatch("(%w+)\t([^\n]*)") do
        if kind == "head" then
            head.when, head.machine = text:match("^(.-), (.*)$")
        else
            local found, row = json.decode(text), { kind = kind }
            for _, key in ipairs(KEPT) do row[key] = found[key] end
            for _, event in ipairs(found.events or {}) do
                if event.what == "kill" then row.pause_ms = event.pause_ms end
            end
            rows[#rows + 1] = row
        end
    end
    head.rows = rows
    write(out, json.encode(head) .. "\n")
end

-- Protocols in the order of the file; of each its rows by kind.
local function by_protocol(results)
    local order, found = {}, {}
    for _, row in ipairs(results.rows) do
        local of = found[row.protocol]
        if not of then
            of = { name = row.protocol, curve = {} }
            found[row.protocol] = of
            order[#order + 1] = of
        end
        if row.kind == "curve" then of.curve[#of.curve + 1] = row else of[row.kind] = row end
    end
    for _, of in ipairs(order) do
        table.sort(of.curve, function(a, b) return a.rate < b.rate end)
    end
    return order
end

-------------------------------------------------------------------------------------------------
-- table
-------------------------------------------------------------------------------------------------

local COLUMNS = {
    { "op/s", function(of) return thousands(of.closed.operations_per_second) end },
    { "p50 ms", function(of) return ("%.1f"):format(of.closed.p50_ms) end },
    { "p99 ms", function(of) return ("%.1f"):format(of.closed.p99_ms) end },
    { "CPU us/op", function(of) return ("%.2f"):format(of.closed.cpu_us_per_operation) end },
    { "times floor C", function(of)
        return ("%.1f"):format(of.closed.cpu_us_per_operation / of.floor.floor_c_us)
    end },
    { "bytes/op", function(of) return ("%.0f"):format(of.closed.bytes_per_operation) end },
    { "op/block", function(of) return ("%.0f"):format(of.closed.operations_per_block) end },
    { "alone p50 ms", function(of) return ("%.2f"):format(of.alone.p50_ms) end },
    { "after kill -9, s", function(of) return ("%.2f"):format(of.kill.pause_ms / 1000) end },
}

local function print_table(results)
    local function line(first, cell)
        io.write(("%-18s"):format(first))
        for _, column in ipairs(COLUMNS) do
            io.write(("  %" .. math.max(#column[1], 8) .. "s"):format(cell(column)))
        end
        io.write("\n")
    end
    line("", function(column) return column[1] end)
    for _, of in ipairs(by_protocol(results)) do
        line(of.name, function(column) return column[2](of) end)
    end
    for _, row in ipairs(results.rows) do
        if (row.failed or 0) > 0 then
            print(("  %s, %s: %d operations failed"):format(row.protocol, row.kind, row.failed))
        end
    end
end

local function readme(results, path)
    local lines = { ("| %s, %s |"):format(results.when, results.machine) }
    local rule = "|---|"
    for _, column in ipairs(COLUMNS) do
        lines[1] = lines[1] .. " " .. column[1] .. " |"
        rule = rule .. "---:|"
    end
    lines[2] = rule
    for _, of in ipairs(by_protocol(results)) do
        local cells = { "| `" .. of.name .. "` |" }
        for _, column in ipairs(COLUMNS) do cells[#cells + 1] = " " .. column[2](of) .. " |" end
        lines[#lines + 1] = table.concat(cells)
    end
    figures.put(path, "variants", lines)
end

-------------------------------------------------------------------------------------------------
-- picture
-------------------------------------------------------------------------------------------------

local WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 420, 64, 24, 84, 52
local COLOURS = { { "#1b6ac9", "#6fb0ff" }, { "#c2570c", "#ffb454" }, { "#0b8a6a", "#4fd1ab" },
    { "#8a3fb3", "#d0a2ff" }, { "#a3324a", "#ff8fa3" }, { "#555", "#bbb" } }

local function style()
    local light, dark = {}, {}
    for i, pair in ipairs(COLOURS) do
        light[i] = (".c%d{stroke:%s;fill:%s}"):format(i, pair[1], pair[1])
        dark[i] = (".c%d{stroke:%s;fill:%s}"):format(i, pair[2], pair[2])
    end
    return "text{font:12px system-ui,sans-serif;fill:#445;stroke:none}.back{fill:#fff}.grid{stroke:#dde}" ..
        "path{fill:none !important;stroke-width:2;stroke-linejoin:round}.p99{stroke-dasharray:2 4;" ..
        "stroke-width:1.4}.title{font-size:14px;font-weight:600}" .. table.concat(light) ..
        "@media (prefers-color-scheme:dark){text{fill:#c5ccd8}.back{fill:#14181f}.grid{stroke:#2b3340}" ..
        table.concat(dark) .. "}"
end

-- The smallest of 1, 2, 5, 10, ... that makes at most `most` steps.
local function nice_step(range, most)
    local step = 10 ^ math.floor(math.log(range / most, 10))
    for _, factor in ipairs({ 1, 2, 5, 10 }) do
        if range / (step * factor) <= most then return step * factor end
    end
end

local function scales(protocols)
    local fastest, least, most = 0, math.huge, 0
    for _, of in ipairs(protocols) do
        for _, row in ipairs(of.curve) do
            fastest = math.max(fastest, row.operations_per_second)
            least, most = math.min(least, row.p50_ms), math.max(most, row.p99_ms)
        end
    end
    local step = nice_step(fastest, 8)
    local high = math.ceil(fastest / step) * step
    local low_ms = 10 ^ math.floor(math.log(least, 10))
    local high_ms = 10 ^ math.ceil(math.log(most, 10))
    local function x(rate) return LEFT + (WIDTH - LEFT - RIGHT) * rate / high end
    local function y(ms)
        local part = math.log(ms / low_ms) / math.log(high_ms / low_ms)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part
    end
    return { x = x, y = y, step = step, high = high, low_ms = low_ms, high_ms = high_ms }
end

local function add_axes(add, s)
    for rate = 0, s.high + s.step / 2, s.step do
        add('<line class="grid" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>', s.x(rate), s.x(rate), TOP,
            HEIGHT - BOTTOM)
        add('<text x="%.1f" y="%d" text-anchor="middle">%s</text>', s.x(rate), HEIGHT - BOTTOM + 18,
            rate == 0 and "0" or ("%gk"):format(rate / 1000))
    end
    local ms = s.low_ms
    while ms < s.high_ms * 1.01 do
        add('<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>', LEFT, WIDTH - RIGHT, s.y(ms),
            s.y(ms))
        add('<text x="%d" y="%.1f" text-anchor="end">%g</text>', LEFT - 8, s.y(ms) + 4, ms)
        ms = ms * 10
    end
    add('<text x="%d" y="%d" text-anchor="middle">operations/s, answered</text>',
        (LEFT + WIDTH - RIGHT) // 2, HEIGHT - 12)
    add('<text x="8" y="%d">latency, ms (decades)</text>', TOP - 12)
end

local function add_curve(add, s, of, colour)
    for _, part in ipairs({ "p50", "p99" }) do
        local points = {}
        for i, row in ipairs(of.curve) do
            points[i] = ("%.1f %.1f"):format(s.x(row.operations_per_second), s.y(row[part .. "_ms"]))
        end
        add('<path class="c%d %s" d="M%s"/>', colour, part, table.concat(points, "L"))
    end
    for _, row in ipairs(of.curve) do
        add('<circle class="c%d" cx="%.1f" cy="%.1f" r="3.5"><title>%s: %s operations/s asked for, ' ..
            '%s answered; p50 %.2f ms, p99 %.2f ms</title></circle>', colour,
            s.x(row.operations_per_second), s.y(row.p50_ms), of.name, thousands(row.rate),
            thousands(row.operations_per_second), row.p50_ms, row.p99_ms)
    end
end

local function svg(results)
    local out, protocols = {}, by_protocol(results)
    local function add(format, ...) out[#out + 1] = format:format(...) end
    local s = scales(protocols)
    add('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img">', WIDTH, HEIGHT)
    add("<title>Latency and throughput of each protocol: four validators and a client on one machine" ..
        "</title>")
    out[#out + 1] = "<style>" .. style() .. "</style>"
    add('<rect class="back" width="%d" height="%d"/>', WIDTH, HEIGHT)
    add('<text class="title" x="8" y="20">Four validators and a client on one machine, 128 B writes, ' ..
        'fsync on (%s)</text>', results.when)
    add_axes(add, s)
    for i, of in ipairs(protocols) do
        local colour, x = (i - 1) % #COLOURS + 1, LEFT + (i - 1) * 175
        add('<line class="c%d" stroke-width="3" x1="%d" x2="%d" y1="44" y2="44"/>', colour, x, x + 22)
        add('<text x="%d" y="48">%s</text>', x + 28, of.name)
        add_curve(add, s, of, colour)
    end
    add('<text x="%d" y="%d" text-anchor="end">solid: p50, dotted: p99; each point a rate that was ' ..
        'asked for</text>', WIDTH - RIGHT, TOP - 12)
    out[#out + 1] = "</svg>\n"
    return table.concat(out, "\n")
end

local word = arg[1]
if word == "names" then
    names(read())
elseif word == "collect" and arg[3] then
    collect(read(arg[2]), arg[3])
elseif word == "table" and arg[2] then
    print_table(json.decode(read(arg[2])))
elseif word == "svg" and arg[2] then
    io.write(svg(json.decode(read(arg[2]))))
elseif word == "readme" and arg[3] then
    readme(json.decode(read(arg[2])), arg[3])
else
    io.stderr:write("usage: variants.lua names | collect LINES OUT | table, svg FILE | readme FILE README\n")
    os.exit(2)
end
