-- The table of make proof, and the status of a protocol in one line. What is not there is `-`: not
-- done. What was found with other sources is marked stale.
local report = {}

-- 1234567 as 1,234,567.
local function number(value)
    if value == nil then return "-" end
    if math.type(value) ~= "integer" then return ("%.1f"):format(value) end
    local digits = tostring(value):reverse():gsub("(%d%d%d)", "%1,"):reverse()
    return (digits:gsub("^,", ""))
end

local function of_all(part, whole)
    return part and whole and ("%s of %s"):format(number(part), number(whole)) or "-"
end

local function mark(result)
    if not result then return "not done" end
    if result.absent then return "absent: " .. result.absent end
    return (result.good and "good" or "RED") .. (result.stale and ", stale" or "")
end

function report.protocols(results)
    local names = {}
    for name in pairs((results.stages.sim or { protocols = {} }).protocols) do names[#names + 1] = name end
    table.sort(names)
    return names
end

local function row(what, value, control)
    return ("  %-38s %-34s %s"):format(what, value, control or "")
end

local function sweep_rows(sim, add)
    add(row("seeds counted", number(sim.counted), "control: " .. (sim.control or "-")))
    add(row("vacuous", ("%s (%.3f %%)"):format(number(sim.vacuous), 100 * sim.vacuous / sim.runs)))
    add(row("violated", number(sim.violated)))
    add(row("fault kinds struck", of_all(sim.kinds_struck, sim.kinds)))
    add(row("pairs of kinds struck in one run", of_all(sim.pairs_struck, sim.pairs_of_all),
        ("rarest: %s, %s runs"):format(sim.rarest_pair, number(sim.rarest_pair_runs))))
    add(row("blocks after healing", number(sim.blocks_after_calm)))
    add(row("recovery after healing", ("%.2f s slowest, %.2f s on average"):format(
        sim.heal_max_ms / 1000, sim.heal_sum_ms / 1000 / sim.runs)))
end

local function protocol_rows(results, name, add)
    local breaks, attacks = results.stages.breaks or {}, results.stages.attacks or {}
    sweep_rows(results.stages.sim.protocols[name], add)
    add(row("hand-made breaks caught", of_all(breaks.caught, breaks.breaks),
        "control: " .. (breaks.control or "-")))
    add(row("attacks owed: tested, n/a", ("%s tested, %s n/a of %s"):format(number(attacks.tested),
        number(attacks.not_applicable), number(attacks.owed)),
        attacks.missing and #attacks.missing > 0 and "MISSING " .. table.concat(attacks.missing, " ")
        or "control: " .. (attacks.control or "-")))
end

local function node_rows(results, add)
    local load, power = results.stages["node-load"] or {}, results.stages["node-power"] or {}
    add(row("records loaded, differing", number(load.records) .. ", " .. number(load.differ),
        "control: " .. (load.control or "- (" .. (load.no_control or "not done") .. ")")))
    add(row("state roots equal", number(load.roots_equal)))
    add(row("CPU-us per operation, kv and null", number(load.kv_cpu_us_per_operation) .. " and " ..
        number(load.null_cpu_us_per_operation), "128 B, batches of 100, over all processes"))
    add(row("power cuts survived", number(power.cuts), "control: " .. (power.control or "-")))
end

-- Every stage's state, then what it found; the attacks by number at the end.
function report.table(results, list)
    local lines = {}
    local function add(line) lines[#lines + 1] = line end
    add("stage          state              date        seconds")
    for _, stage in ipairs(list) do
        local result = results.stages[stage.name]
        add(("%-14s %-18s %-11s %s"):format(stage.name, mark(result), result and result.date or "-",
            result and result.seconds or "-"))
    end
    for _, name in ipairs(report.protocols(results)) do
        add("")
        add(name)
        protocol_rows(results, name, add)
    end
    if results.stages.certified then
        add("")
        add("hotstuff, certified payloads")
        sweep_rows(results.stages.certified, add)
    end
    local plays = results.stages.plays or { plays = {} }
    add("")
    add("teaching plays")
    local shown = {}
    for what in pairs(plays.plays) do shown[#shown + 1] = what end
    table.sort(shown)
    for _, what in ipairs(shown) do add(("  %s: %s"):format(what, plays.plays[what])) end
    add("  control: " .. (plays.control or "-"))
    local same = results.stages.determinism or {}
    add("")
    add("simulator")
    local both = same.release_hash == same.debug_hash and " in both" or " DIFFERS"
    add(row("hash in release and debug", same.release_hash and same.release_hash .. both or "-",
        "control: " .. (same.control or "-")))
    add(row("hashes of 20 starts", number(same.hashes_of_starts)))
    add("")
    add("real nodes")
    node_rows(results, add)
    local attacks = results.stages.attacks or { tests = {}, reasons = {} }
    add("")
    add("attacks")
    local names = {}
    for attack in pairs(attacks.tests) do names[#names + 1] = attack end
    for attack in pairs(attacks.reasons) do names[#names + 1] = attack end
    table.sort(names, function(a, b)
        local x, y = a:match("%a+"), b:match("%a+")
        return x < y or (x == y and tonumber(a:match("%d+")) < tonumber(b:match("%d+")))
    end)
    for _, attack in ipairs(names) do
        add(("  %-5s %s"):format(attack, attacks.tests[attack] or "n/a: " .. attacks.reasons[attack]))
    end
    return table.concat(lines, "\n")
end

function report.line(results, name)
    local sim = (results.stages.sim or { protocols = {} }).protocols[name]
    if not sim then return "nothing is proved yet" end
    local breaks, attacks = results.stages.breaks or {}, results.stages.attacks or {}
    local stale = results.stages.sim.stale or breaks.stale or attacks.stale
    return ("%s seeds counted, %s violated; %s hand-made breaks caught; %s of %s owed attacks tested%s")
        :format(number(sim.counted), number(sim.violated), of_all(breaks.caught, breaks.breaks),
            number(attacks.tested), number(attacks.owed), stale and " (stale)" or "")
end

return report
