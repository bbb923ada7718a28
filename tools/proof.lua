-- make proof: the figures behind docs/claims.md, in stages. Each stage is keyed by a hash over the
-- sources that it depends on; its result is kept in docs/proof/results.json and is `stale` when
-- they have changed. A stage that was cut short goes on where it stopped: its chunks lie in the build.
--
-- Usage: lua proof.lua [--build DIR] [STAGE ...]   runs what is missing or stale, or these stages
--        lua proof.lua --table                     prints the table only
--        lua proof.lua --line PROTOCOL             its status in one line
--        lua proof.lua --readme [--check]          writes (or checks) the status in README.md
--        lua proof.lua --embed FILE                the status as C, for `synod protocols`
-- Exit 0: all that ran is good. 1: something is red. 2: usage.
local source = os.getenv("SYNOD_SOURCE") or arg[0]:match("^(.*)/tools/[^/]*$") or "."
package.path = source .. "/tools/?.lua;" .. package.path
local json = require("json")
local text = require("tidy_text")
local stages = require("proof_stages")
local report = require("proof_table")

local RESULTS = source .. "/docs/proof/results.json"
local README_MARK = "<!-- proof -->"

local function usage(what)
    io.stderr:write("proof: ", what, "\n")
    os.exit(2)
end

local function read_results()
    local content = text.read_all(RESULTS)
    return content and json.decode(content) or { stages = {} }
end

local function write_file(path, content)
    local file = assert(io.open(path .. ".new", "wb"))
    file:write(content)
    assert(file:close())
    assert(os.rename(path .. ".new", path))
end

local function hash_of(stage)
    local command = ("cd %s && find %s -type f 2>/dev/null | LC_ALL=C sort | " ..
        "xargs sha256sum | sha256sum"):format(text.quoted(source), stage.sources)
    return text.output_lines(command)[1]:sub(1, 16)
end

-- Adds to each result whether it is of today's sources.
local function judge_age(results)
    for _, stage in ipairs(stages.list) do
        local result = results.stages[stage.name]
        if result then result.stale = result.sources ~= hash_of(stage) end
    end
    return results
end

-------------------------------------------------------------------------------------------------

local function run_stage(stage, build)
    local hash, began = hash_of(stage), os.time()
    io.stderr:write("proof: stage ", stage.name, "\n")
    local result = stage.run({ source = source, build = build, hash = hash,
        chunks = build .. "/proof" })
    result.sources = hash
    result.seconds = os.time() - began
    result.date = os.date("!%Y-%m-%d")
    local results = read_results() -- anew: two starts may do different stages at one time
    results.stages[stage.name] = result
    write_file(RESULTS, json.encode(results) .. "\n")
    return result.good
end

local function run_all(build, names)
    local results, good, wanted = judge_age(read_results()), true, {}
    for _, name in ipairs(names) do
        if not stages.named[name] then
            usage(("there is no stage %s: %s"):format(name, table.concat(stages.names, ", ")))
        end
        wanted[name] = true
    end
    os.execute("mkdir -p " .. text.quoted(build .. "/proof"))
    local due = {}
    for _, stage in ipairs(stages.list) do
        local result = results.stages[stage.name]
        local done = result and result.good and not result.stale
        if wanted[stage.name] or (#names == 0 and not done) then due[#due + 1] = stage end
    end
    for _, stage in ipairs(due) do good = run_stage(stage, build) and good end
    print(report.table(judge_age(read_results()), stages.list))
    return good
end

local function readme(check)
    local path = source .. "/README.md"
    local content = text.read_all(path)
    local line = report.line(read_results(), "hotstuff")
    local before, after = content:match("^(.*)" .. README_MARK:gsub("%p", "%%%0") .. "[^\n]*(.*)$")
    if not before then usage("README.md has no line with " .. README_MARK) end
    local wanted = before .. README_MARK .. " " .. line .. after
    if check and wanted ~= content then
        print("README.md does not say what docs/proof/results.json says: tools/proof.sh --readme")
        return false
    end
    if not check then write_file(path, wanted) end
    return true
end

local function embed(path)
    local results, lines = judge_age(read_results()), {}
    for _, name in ipairs(report.protocols(results)) do
        lines[#lines + 1] = ("    {%q, %q},\n"):format(name, report.line(results, name))
    end
    local content = [[/* Made by tools/proof.lua from docs/proof/results.json. */
#include "cli/proof_status.h"

const proof_status_t proof_statuses[] = {
]] .. table.concat(lines) .. "    {0},\n};\n"
    if text.read_all(path) ~= content then write_file(path, content) end
    return true
end

local options, names = { build = source .. "/build/release" }, {}
local at = 1
while arg[at] do
    local word = arg[at]
    if word == "--build" or word == "--embed" or word == "--line" then
        at = at + 1
        options[word:sub(3)] = arg[at] or usage("a value is missing after " .. word)
    elseif word == "--table" or word == "--readme" or word == "--check" then
        options[word:sub(3)] = true
    elseif word == "--help" then
        print("usage: tools/proof.sh [--table | --line PROTOCOL | --readme [--check] | STAGE ...]\n" ..
            "stages: " .. table.concat(stages.names, ", "))
        os.exit(0)
    elseif word:sub(1, 1) == "-" then
        usage("what is " .. word)
    else
        names[#names + 1] = word
    end
    at = at + 1
end

local good = true
if options.table then
    print(report.table(judge_age(read_results()), stages.list))
elseif options.line then
    print(report.line(judge_age(read_results()), options.line))
elseif options.readme then
    good = readme(options.check)
elseif options.embed then
    good = embed(options.embed)
else
    good = run_all(options.build, names)
end
os.exit(good and 0 or 1)
