-- The stages of make proof: what each depends on, runs and records. A result is good only with its
-- control, a run that must go red and did. A figure that cannot be had here is absent, with the reason.
local json = require("json")
local text = require("tidy_text")
local owed = require("tidy_owed")
local quoted = text.quoted

local stages = { list = {}, named = {}, names = {} }

local SEEDS = math.tointeger(os.getenv("SEEDS") or 100000) -- counted ones, of each protocol
local CUTS = math.tointeger(os.getenv("CUTS") or 100)
local CERTIFIED_SEEDS = math.max(1, SEEDS // 5) -- of certified payloads, beside those
local CHUNK = math.min(5000, SEEDS)
local VACUOUS_MOST = 0.01
local STARTS = 20
-- The entries of the catalogue that are owed so far, by number.
local OWED = [[Q1 Q2 Q3 Q4 Q5 Q6 Q7 Q8 Q9 Q11 Q12 Q13 Q14 H1 H2 H3 H4 H5 H6 H7 H8 H9 H10 H11 H12 H13 H14
    H15 H17 K1 K2 K4 K5 K7 K8 N1 N2 N3 N4 N5 N6 N7 N10 N11 N12 N13 C1 C2 C3 C4 C5 F1 F2 F5 F11 F13
    X3 X4 X5 X6 X11 X19]]

local function run(command)
    local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1"))
    local output = pipe:read("a")
    return output, select(3, pipe:close())
end

local function output_of(command)
    local pipe = assert(io.popen(command))
    local output = pipe:read("a")
    return output, select(3, pipe:close())
end

local function jobs()
    return os.getenv("JOBS") or text.output_lines("nproc")[1]
end

local function stage(name, sources, run_it)
    local one = { name = name, sources = sources, run = run_it }
    stages.list[#stages.list + 1] = one
    stages.named[name] = one
    stages.names[#stages.names + 1] = name
end

-------------------------------------------------------------------------------------------------
-- attacks: every owed number has a test that ctest runs, or a reason
-------------------------------------------------------------------------------------------------

-- Names of ctest by the file of a test.
local function tests_of(build)
    local tests = {}
    for _, line in ipairs(text.output_lines("ctest --test-dir " .. quoted(build) .. " -N")) do
        local name = line:match("Test +#%d+: (%S+)")
        if name then tests[name] = true end
    end
    return tests
end

-- Which test of ctest runs the file? The oracles and liars of sim/ run in the sweep's test.
local function test_of_file(path)
    if path:match("^sim/bare") then return "property.bare_hotstuff" end
    if path:match("^sim/") then return "property.sim_sweep" end
    if path:match("^tests/scenario/.*%.lua$") then return "scenario.sim_scripts" end
    local test = path:match("^tests/(.*)_test%.%l+$")
    return test and test:gsub("/", ".")
end

local function find_attacks(context)
    local tree, found = text.load_tree(context.source, "tests sim"), {}
    local tests = tests_of(context.build)
    for _, path in ipairs(tree.paths) do
        local named, test = {}, test_of_file(path)
        owed.collect_tested(tree.sources[path], named)
        for attack in pairs(named) do
            found[attack] = found[attack] or {}
            if test and tests[test] then table.insert(found[attack], test) end
        end
    end
    return found
end

stage("attacks", "docs/attacks.md tests sim", function(context)
    local result = { good = true, tests = {}, reasons = {}, missing = {} }
    local found, rows = find_attacks(context), {}
    for _, row in ipairs(owed.attack_rows(text.read_all(context.source .. "/docs/attacks.md"))) do
        rows[row.attack] = row.status
    end
    result.tested, result.not_applicable, result.owed = 0, 0, 0
    for attack in OWED:gmatch("%S+") do
        local reason = (rows[attack] or ""):match("^n/a: (.*)")
        result.owed = result.owed + 1
        if reason then
            result.reasons[attack] = reason
            result.not_applicable = result.not_applicable + 1
        elseif rows[attack] == "test" and found[attack] and #found[attack] > 0 then
            local list, seen = {}, {}
            for _, test in ipairs(found[attack]) do
                if not seen[test] then list[#list + 1] = test end
                seen[test] = true
            end
            table.sort(list)
            result.tests[attack] = table.concat(list, ", ")
            result.tested = result.tested + 1
        else
            table.insert(result.missing, attack)
            result.good = false
        end
    end
    result.control = found["Q999"] == nil and "a number without a test is not found" or nil
    return result
end)

-------------------------------------------------------------------------------------------------
-- determinism: one hash for builds, processes and starts
-------------------------------------------------------------------------------------------------

local function hash_by(program, arguments)
    local output = output_of(("%s %s --json 2>/dev/null"):format(program, arguments))
    return json.decode(output).trace_hash
end

local function different_hashes(program, arguments)
    local seen, count = {}, 0
    for _ = 1, STARTS do
        local hash = hash_by(program, arguments)
        if not seen[hash] then count = count + 1 end
        seen[hash] = true
    end
    return count
end

stage("determinism", "include src sim", function(context)
    local result = { seeds = 500, starts = STARTS }
    local debug = context.chunks .. "/debug"
    local output, code = run(("cmake -S %s -B %s -G Ninja -DCMAKE_BUILD_TYPE=Debug " ..
        "-DSYNOD_SANITIZE=address,undefined -DCMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null && " ..
        "cmake --build %s -j %s --target synod"):format(quoted(context.source), quoted(debug),
            quoted(debug), jobs()))
    if code ~= 0 then error("the debug build failed:\n" .. output, 0) end
    local sweep = "sim sweep --seeds 500 --jobs " .. jobs()
    result.release_hash = hash_by(quoted(context.build .. "/synod"), sweep)
    result.debug_hash = hash_by(quoted(debug .. "/synod"), sweep)
    local starts = "--seeds 20 --jobs 1"
    result.hashes_of_starts = different_hashes(quoted(context.build .. "/synod"),
        "sim sweep " .. starts)
    local broken = context.chunks .. "/address_in_trace"
    output, code = run(("lua5.4 %s/tests/breaks/run.lua --build %s --program %s controls/address_in_trace")
        :format(quoted(context.source), quoted(context.build), quoted(broken)))
    if code ~= 0 then error("the control cannot be built: " .. output, 0) end
    local control = different_hashes(quoted(broken), starts)
    result.control = control > 1 and ("an address in the trace: %d hashes"):format(control) or nil
    result.good = result.release_hash == result.debug_hash and result.hashes_of_starts == 1 and
        result.control ~= nil
    return result
end)

-------------------------------------------------------------------------------------------------
-- sim: whole replicas of each protocol; certified: the other payload strategy
-------------------------------------------------------------------------------------------------

local function sweep_json(context, arguments)
    local output = output_of(("nice %s sim sweep --jobs %s --json %s"):format(
        quoted(context.build .. "/synod"), jobs(), arguments))
    if output == "" then error("the sweep says nothing: " .. arguments, 0) end
    return json.decode(output), output
end

-- One chunk, from the file of an earlier start if there is one. `name` stands for `arguments`.
local function chunk_of(context, name, arguments, first)
    local path = ("%s/sim-%s-%s-%d-%d.json"):format(context.chunks, name, context.hash, first, CHUNK)
    local kept = text.read_all(path)
    if kept and kept ~= "" then return json.decode(kept) end
    io.stderr:write(("proof: %s: seeds %d to %d\n"):format(name, first, first + CHUNK - 1))
    local totals, output = sweep_json(context,
        ("%s --first %d --seeds %d"):format(arguments, first, CHUNK))
    local file = assert(io.open(path .. ".new", "wb"))
    file:write(output)
    assert(file:close())
    assert(os.rename(path .. ".new", path))
    return totals
end

local function merge(to, from)
    for key, value in pairs(from) do
        if key == "heal_max_ms" then
            to[key] = math.max(to[key] or 0, value)
        elseif key == "trace_hash" then
            to[key] = ("%016x"):format(tonumber("0x" .. (to[key] or "0")) + tonumber("0x" .. value))
        elseif key == "violated_seeds" then
            to[key] = to[key] or {}
            table.move(value, 1, #value, #to[key] + 1, to[key])
        elseif type(value) == "number" then
            to[key] = (to[key] or 0) + value
        elseif type(value) == "table" then
            to[key] = to[key] or {}
            merge(to[key], value)
        else
            to[key] = to[key] or value
        end
    end
end

-- The matrix as one line a kind, and what was struck how seldom.
local function count_kinds(totals)
    totals.kinds, totals.kinds_struck, totals.pairs_of_all, totals.pairs_struck = 0, 0, 0, 0
    local rows = {}
    for _, kind in ipairs(json.sorted_keys(totals.pairs)) do
        totals.kinds = totals.kinds + 1
        totals.kinds_struck = totals.kinds_struck + (totals.faults[kind] > 0 and 1 or 0)
        local cells = {}
        for _, other in ipairs(json.sorted_keys(totals.pairs[kind])) do
            local count = totals.pairs[kind][other]
            cells[#cells + 1] = other .. " " .. count
            totals.pairs_of_all = totals.pairs_of_all + 1
            totals.pairs_struck = totals.pairs_struck + (count > 0 and 1 or 0)
            if not totals.rarest_pair_runs or count < totals.rarest_pair_runs then
                totals.rarest_pair_runs, totals.rarest_pair = count, kind .. " and " .. other
            end
        end
        rows[kind] = table.concat(cells, ", ")
    end
    totals.pairs = rows
    totals.pairs_missing = nil
end

local function sim_controls(context, arguments)
    local twins = sweep_json(context,
        "--members 4 --no-liars --twins 2 --seeds 200 2>/dev/null " .. arguments)
    local disks = sweep_json(context,
        "--members 4 --no-liars --disk-lies --seeds 50 2>/dev/null " .. arguments)
    local forks, early = twins.violations.agreement or 0, disks.violations.durability or 0
    if forks == 0 or early < 50 then return nil end
    return ("f + 1 twins: %d of 200 runs fork; disks that lie: %d of 50 seen"):format(forks, early)
end

-- Sweeps with these arguments until so many seeds counted.
local function prove_by_sweep(context, name, arguments, seeds)
    local totals, first = {}, 1
    repeat
        merge(totals, chunk_of(context, name, arguments, first))
        first = first + CHUNK
        totals.counted = totals.runs - totals.vacuous
    until totals.counted >= seeds or totals.runs > 2 * seeds + CHUNK
    count_kinds(totals)
    totals.control = sim_controls(context, arguments)
    totals.good = totals.violated == 0 and totals.counted >= seeds and
        totals.vacuous < VACUOUS_MOST * totals.runs and totals.control ~= nil and
        totals.pairs_struck == totals.pairs_of_all
    return totals
end

stage("sim", "include src sim", function(context)
    local result = { good = true, protocols = {} }
    local list = json.decode((output_of(quoted(context.build .. "/synod") .. " protocols --json")))
    for _, protocol in ipairs(list) do
        if protocol.runs then
            local proved = prove_by_sweep(context, protocol.name, "--protocol " .. protocol.name, SEEDS)
            result.protocols[protocol.name] = proved
            result.good = result.good and proved.good
        end
    end
    return result
end)

-- Kinds of faults that are of batches only come on top.
stage("certified", "include src sim", function(context)
    return prove_by_sweep(context, "certified", "--protocol hotstuff --strategy certified",
        CERTIFIED_SEEDS)
end)

-------------------------------------------------------------------------------------------------
-- plays: what is there to be seen failing fails, and the same schedule leaves the others whole
-------------------------------------------------------------------------------------------------

local PLAYS = {
    ["one chain: forks"] = "one_certificate_is_not_final",
    ["two chains, a lock, no proof and no wait: stall"] = "a_lock_that_nobody_hears_of",
}

stage("plays", "src/model src/protocol sim tests/scenario", function(context)
    local result = { good = true, plays = {} }
    local output = run(quoted(context.build .. "/tests/scenario_hotstuff_family_test"))
    for what, test in pairs(PLAYS) do
        local said = output:match("RUN[^\n]*%] " .. test .. "\n(.-)%[ *OK %] " .. test .. "\n")
        result.plays[what] = said and said:match("[^\n]+") or nil
        result.good = result.good and result.plays[what] ~= nil
    end
    result.control = output:match("%[ *OK %] without_votes_to_all_nothing_commits") and
        "three chains without their remedy: nothing is final" or nil
    result.good = result.good and result.control ~= nil
    return result
end)

-------------------------------------------------------------------------------------------------
-- breaks: what is taken out is noticed
-------------------------------------------------------------------------------------------------

stage("breaks", "include src sim tests/breaks tests/scenario tests/unit tests/fault tests/support",
    function(context)
        local result = { caught = 0, breaks = 0, core = 0, around = 0, by = {}, lost = {} }
        local output = run(("nice lua5.4 %s/tests/breaks/run.lua --build %s --jobs %s"):format(
            quoted(context.source), quoted(context.build), jobs()))
        for name, verdict, how in output:gmatch("([^\t\n]+)\t([^\t\n]+)\t([^\n]*)") do
            if verdict == "green" then
                result.control = name .. " is green: " .. how
            else
                result.breaks = result.breaks + 1
                local caught = verdict == "caught"
                result[caught and "by" or "lost"][name] = how
                result.caught = result.caught + (caught and 1 or 0)
                local file = (text.read_all(("%s/tests/breaks/%s.sed"):format(context.source, name))
                    or ""):match("# source: (%S+)") or ""
                local where = file:match("^src/protocol") or file:match("^src/model")
                result[where and "core" or "around"] = result[where and "core" or "around"] + 1
            end
        end
        if result.breaks == 0 then error("no break was tried:\n" .. output, 0) end
        result.good = result.caught == result.breaks and result.control ~= nil
        return result
    end)

-------------------------------------------------------------------------------------------------
-- node-load, node-power: real processes
-------------------------------------------------------------------------------------------------

local function bench_of(context, application)
    local output, code = output_of(("%s bench --app %s --size 128 --batch 100 --duration 3s --json " ..
        "--port 7970"):format(quoted(context.build .. "/synod"), application))
    return code == 0 and json.decode(output) or nil
end

-- The demo once more, with one validator's state damaged: it must notice. Needs the fault hooks.
local function damaged_demo(context)
    local program = context.build .. "/synod_faults"
    if not text.read_all(program) then return nil, "no program with fault hooks in this build" end
    local output, code = run(quoted(program) .. " demo --break state --pace 4s --port 7980")
    if code ~= 1 then return nil, "a damaged state went unnoticed" end
    return "one state damaged: " .. (output:match("[^\n]*\n?$"):gsub("\n", ""))
end

stage("node-load", "include src node cli", function(context)
    local result = {}
    local output, code = run(quoted(context.build .. "/synod") .. " demo --port 7960")
    local records, differ, roots = output:match("demo: (%d+) records, (%d+) differ, (%d+) roots equal")
    if not records then error("the demo did not end:\n" .. output:sub(-2000), 0) end
    result.records, result.differ = math.tointeger(records), math.tointeger(differ)
    result.roots_equal = math.tointeger(roots)
    for _, application in ipairs({ "kv", "null" }) do
        local figures = bench_of(context, application)
        if figures then
            result[application .. "_cpu_us_per_operation"] = figures.cpu_us_per_operation
            result[application .. "_operations_per_second"] = figures.operations_per_second
        end
    end
    local why
    result.control, why = damaged_demo(context)
    result.no_control = why
    result.good = code == 0 and result.differ == 0 and result.control ~= nil and
        result.kv_cpu_us_per_operation ~= nil and result.null_cpu_us_per_operation ~= nil
    return result
end)

local POWER_MODES = { ["one of four"] = "--n 4 --victims 1", ["all of four"] = "--n 4 --victims 4",
    ["two of seven"] = "--n 7 --victims 2" }

local function last_json(output)
    local last
    for line in output:gmatch("{[^\n]*}") do last = line end
    return last and json.decode(last)
end

local function cut(context, arguments)
    local output, code = run(("SYNOD_BUILD=%s sh %s/tests/power/run.sh --json --seed 1 %s"):format(
        quoted(context.build), quoted(context.source), arguments))
    return last_json(output), code
end

stage("node-power", "include src node tests/power", function(context)
    if not text.read_all(context.source .. "/tests/power/run.sh") then
        return { good = false, absent = "tests/power/run.sh is not here" }
    end
    local result = { good = true, cuts = 0, modes = {} }
    for _, name in ipairs(json.sorted_keys(POWER_MODES)) do
        local mode, code = cut(context, POWER_MODES[name] .. " --cuts " .. CUTS)
        result.modes[name] = mode
        result.good = result.good and code == 0 and mode ~= nil and mode.cuts >= CUTS
        result.cuts = result.cuts + (mode and mode.cuts or 0)
    end
    local _, unsynced = cut(context, "--n 4 --victims 4 --cuts 5 --fault unsynced")
    local _, early = cut(context, "--n 4 --victims 4 --cuts 5 --fault early,slow=20000")
    result.control = unsynced == 1 and early == 1 and
        "sync removed, and votes before their record: both violated" or nil
    result.good = result.good and result.control ~= nil
    return result
end)

return stages
