-- Every defence has an attack that gets through without it. Each tests/breaks/NAME.sed takes one
-- defence out of one source file; what its header names must then turn red, and for the expected
-- reason. The whole code is the control: it must stay green.
--
-- Header of a break:
--   # source: FILE              the one file that it changes
--   # by: sweep ORACLE|...      red in the sweep of bare cores by one of these oracles
--   # by: world ORACLE|...      red in the sweep of whole replicas by one of these oracles
--   # by: payload ORACLE|...    the same with the payload strategy `certified`
--   # by: protocol NAME ORACLE|...  the same on chains of another protocol
--   # by: test FOLDER/NAME TEST the test of tests/FOLDER/NAME.c fails
--   # proof only                not in `make test`, because it takes long
--
-- Usage: lua run.lua --build DIR [--jobs N] [--quick] [NAME ...]
--        lua run.lua --build DIR --program FILE NAME    only links the sweep of replicas with a break
-- Prints one line a break: NAME, `caught` or `NOT CAUGHT`, by what. DIR is a built tree: its
-- archives and test objects are linked with the one broken object. Exit 0: all were caught.
local source = assert(os.getenv("SYNOD_SOURCE"), "set SYNOD_SOURCE")
package.path = source .. "/tools/?.lua;" .. package.path
local json = require("json")
local text = require("tidy_text")
local quoted = text.quoted

local SWEEP_SEEDS = 6000
local WORLD_SEEDS, WORLD_CHUNK = 6000, 50
local WHOLE_SEEDS = 500 -- of the control
local PATIENCE = "timeout 120 " -- a broken program may never end
local LIBRARIES = "libcrypto libsodium libisal libxxhash libcjson lua5.4 liblz4 cmocka"

local options = { jobs = "2", names = {} }

local function usage(what)
    io.stderr:write("run.lua: ", what, "\n")
    os.exit(2)
end

local function parse(arguments)
    local at = 1
    while arguments[at] do
        local word = arguments[at]
        if word == "--quick" then
            options.quick = true
        elseif word == "--one" then
            options.one = true -- for itself: the break is tried in this process
        elseif word == "--build" or word == "--jobs" or word == "--work" or
            word == "--program" then
            at = at + 1
            options[word:sub(3)] = arguments[at] or usage("a value is missing after " .. word)
        elseif word:sub(1, 1) == "-" then
            usage("what is " .. word)
        else
            options.names[#options.names + 1] = word
        end
        at = at + 1
    end
    if not options.build then usage("--build is missing") end
end

-- Runs a command; its output, and whether it ended with 0.
local function run(command)
    local pipe = assert(io.popen("{ " .. command .. "\n} 2>&1"))
    local output = pipe:read("a")
    return output, pipe:close() == true
end

-------------------------------------------------------------------------------------------------
-- Compiling and linking as the build does
-------------------------------------------------------------------------------------------------

local commands -- absolute file -> { command, output }

local function read_commands()
    local path = options.build .. "/compile_commands.json"
    commands = {}
    for _, entry in ipairs(json.decode(text.read_all(path) or usage("there is no " .. path))) do
        commands[entry.file] = entry.command
    end
end

-- The build's flags for a source, without input and output.
local function flags_of(file)
    local command = commands[source .. "/" .. file] or
        error("the build does not compile " .. file, 0)
    return (command:gsub(" %-o %S+", ""):gsub(" %-c %S+", ""):gsub("^%S*ccache%s+", ""))
end

-- Compiles `path` as if it were `like`. nil, or what the compiler said.
local function compile(like, path, object)
    local output, good = run(("%s -w -I%s -c %s -o %s"):format(flags_of(like),
        quoted(source .. "/" .. like:match("^(.*)/")), quoted(path), quoted(object)))
    return not good and output or nil
end

local function link(program, objects)
    local flags = flags_of("src/base/check.c")
    local sanitize = flags:match("%-fsanitize=%S+") or ""
    local output, good = run(("%s %s %s -o %s -Wl,--start-group %s/lib/*.a -Wl,--end-group %s -lm")
        :format(flags:match("^%S+"), sanitize, table.concat(objects, " "), quoted(program),
            quoted(options.build), "$(pkg-config --libs " .. LIBRARIES .. " libuv libssl inih lmdb)"))
    if not good then error("it does not link: " .. output:sub(1, 2000), 0) end
end

-------------------------------------------------------------------------------------------------
-- What turns red
-------------------------------------------------------------------------------------------------

local function is_named(list, name)
    return ("|" .. list .. "|"):find("|" .. name .. "|", 1, true) ~= nil
end

local judges = {}

function judges.sweep(work, objects, oracles)
    local program = work .. "/sweep"
    link(program, { options.work .. "/sweep.o", table.unpack(objects) })
    local output = run(("%s%s 1 %d until %s"):format(PATIENCE, quoted(program), SWEEP_SEEDS, quoted(oracles)))
    local last, seed
    for oracle, number in output:gmatch("RED (%l+) seed (%d+)") do last, seed = oracle, number end
    if last and is_named(oracles, last) then
        return true, ("sweep of bare cores, seed %s: %s"):format(seed, last)
    end
    return false, output:match("[^\n]*\n?$"):gsub("\n", "")
end

function judges.world(work, objects, oracles, more)
    local program, seen = work .. "/world", {}
    link(program, { options.work .. "/world.o", table.unpack(objects) })
    for first = 1, WORLD_SEEDS, WORLD_CHUNK do
        local output = run(("%s%s --first %d --seeds %d --jobs 1 --json %s 2>/dev/null"):format(
            PATIENCE, quoted(program), first, WORLD_CHUNK, more or ""))
        if output == "" then return false, "the sweep of replicas does not end" end
        local totals = json.decode(output)
        for kind in pairs(totals.violations) do
            if is_named(oracles, kind) then
                return true, ("sweep of replicas, seeds %d to %d: %s"):format(first,
                    first + WORLD_CHUNK - 1, kind)
            end
            seen[#seen + 1] = kind
        end
        if #seen > 20 then break end
    end
    return false, "the sweep of replicas saw " .. (seen[1] and table.concat(seen, ", ") or "nothing")
end

-- The same, on chains with the payload strategy `certified`.
function judges.payload(work, objects, oracles)
    return judges.world(work, objects, oracles, "--strategy certified")
end

-- The same, on chains of another protocol.
function judges.protocol(work, objects, what)
    local name, oracles = what:match("^(%S+) (%S+)$")
    return judges.world(work, objects, oracles, "--protocol " .. name)
end

function judges.test(work, objects, what)
    local path, test = what:match("^(%S+) (%S+)$")
    local program, target = work .. "/test", path:gsub("/", "_")
    link(program, { ("%s/CMakeFiles/%s.dir/tests/%s.c.o"):format(options.build, target, path),
        table.unpack(objects) })
    local output, good = run("SYNOD_SOURCE=" .. quoted(source) .. " " .. PATIENCE ..
        quoted(program))
    if good then return false, path .. " is green" end
    local failed = {}
    for name in output:gmatch("%[  FAILED  %] ([%a_][%w_]*)") do
        if name == test then return true, "test " .. path .. ": " .. test end
        failed[#failed + 1] = name
    end
    -- An assertion or a sanitizer ends the program within the test.
    local started
    for name in output:gmatch("%[ RUN      %] ([%w_]+)") do started = name end
    if started == test then return true, "test " .. path .. ": " .. test .. " (it was stopped)" end
    return false, ("%s failed, but in %s"):format(path, failed[1] or started or "nothing it names")
end

-------------------------------------------------------------------------------------------------

local function read_break(name)
    local path = source .. "/tests/breaks/" .. name .. ".sed"
    local content = text.read_all(path) or usage("there is no break " .. name)
    local by, what = content:match("\n# by: (%l+) ([^\n]+)")
    return { name = name, path = path, file = content:match("\n# source: (%S+)"), by = by,
        what = what, long = content:find("\n# proof only", 1, true) ~= nil }
end

-- The object of the broken source. nil and why there is none.
local function break_source(one)
    local work = options.work .. "/" .. one.name
    local copy, object = work .. "/" .. one.file:match("[^/]+$"), work .. "/broken.o"
    local _, good = run(("mkdir -p %s && sed -f %s %s > %s"):format(quoted(work),
        quoted(one.path), quoted(source .. "/" .. one.file), quoted(copy)))
    if not good then return nil, "sed failed" end
    if text.read_all(copy) == text.read_all(source .. "/" .. one.file) then
        return nil, "IT NO LONGER APPLIES: it changes nothing in " .. one.file
    end
    local wrong = compile(one.file, copy, object)
    if wrong then return nil, "IT NO LONGER APPLIES: it does not compile: " .. wrong:sub(1, 300) end
    return object
end

local function try(one)
    if not one.file or not judges[one.by or ""] then return false, "its header is incomplete" end
    local object, why = break_source(one)
    if not object then return false, why end
    return judges[one.by](options.work .. "/" .. one.name, { object }, one.what)
end

local function only_link(one)
    local object, why = break_source(one)
    if not object then error(why, 0) end
    link(options.program, { options.work .. "/world.o", object })
    return true
end

local function say(name, caught, how)
    print(("%s\t%s\t%s"):format(name, caught and "caught" or "NOT CAUGHT", how:gsub("%s+", " ")))
    return caught
end

local function prepare()
    assert(not compile("sim/bare_sweep.c", source .. "/tests/breaks/sweep.c",
        options.work .. "/sweep.o"), "tests/breaks/sweep.c does not compile")
    assert(not compile("sim/sweep.c", source .. "/tests/breaks/world.c",
        options.work .. "/world.o"), "tests/breaks/world.c does not compile")
end

-- The whole code stays green, or nothing that follows means anything.
local function control()
    link(options.work .. "/sweep", { options.work .. "/sweep.o" })
    link(options.work .. "/world", { options.work .. "/world.o" })
    local output, good = run(("%s/sweep 1 %d && %s/world --seeds %d --jobs %s --json " ..
        "2>/dev/null"):format(options.work, WHOLE_SEEDS, options.work, WHOLE_SEEDS, options.jobs))
    if not good then
        print("the whole code is red:\n" .. output)
        os.exit(1)
    end
    print(("the whole code\tgreen\tseeds 1 to %d of cores and of replicas"):format(WHOLE_SEEDS))
end

local function all_names()
    local names = {}
    for _, path in ipairs(text.output_lines("ls " .. quoted(source) .. "/tests/breaks/*.sed")) do
        local name = path:match("([^/]+)%.sed$")
        if not (options.quick and read_break(name).long) then names[#names + 1] = name end
    end
    return names
end

-- Each break in a process of its own, some at a time, printed as they end.
local function try_all(names)
    local list = options.work .. "/names"
    local file = assert(io.open(list, "w"))
    file:write(table.concat(names, "\n"), "\n")
    file:close()
    local command = ("SYNOD_SOURCE=%s xargs -P %s -n 1 %s %s --build %s --work %s --one < %s")
        :format(quoted(source), options.jobs, quoted(arg[-1] or "lua5.4"), quoted(arg[0]),
            quoted(options.build), quoted(options.work), quoted(list))
    local caught, pipe = 0, assert(io.popen(command))
    for line in pipe:lines() do
        print(line)
        io.stdout:flush()
        caught = caught + (line:find("\tcaught\t", 1, true) and 1 or 0)
    end
    pipe:close()
    print(("%d of %d breaks caught"):format(caught, #names))
    return caught == #names
end

parse(arg)
read_commands()
if options.one then
    local one = read_break(options.names[1])
    local good, caught, how = pcall(try, one)
    say(one.name, good and caught, good and how or tostring(caught))
    os.exit(0)
end
options.work = run("mktemp -d \"${TMPDIR:-/tmp}/synod-breaks.XXXXXX\""):gsub("%s+$", "")
local good, result = pcall(function()
    prepare()
    if options.program then return only_link(read_break(options.names[1])) end
    control()
    return try_all(#options.names > 0 and options.names or all_names())
end)
run("rm -rf " .. quoted(options.work))
if not good then print(result) end
os.exit(good and result and 0 or 1)
