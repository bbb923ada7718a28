-- Prints what gcovr counted: lines and branches by layer, then the lines of each file that never ran.
-- Usage: lua5.4 tools/coverage.lua coverage.json
package.path = arg[0]:match("^(.*/)") .. "?.lua;" .. package.path
local json = require("json")
local text = require("tidy_text")

local counted = json.decode(assert(text.read_all(arg[1]), "no such file: " .. arg[1]))

local layers, total = {}, { lines = 0, ran = 0, branches = 0, taken = 0 }

local function add(to, line)
    to.lines = to.lines + 1
    if line.count > 0 then to.ran = to.ran + 1 end
    for _, branch in ipairs(line.branches) do
        to.branches = to.branches + 1
        if branch.count > 0 then to.taken = to.taken + 1 end
    end
end

-- 7, 9 to 12: numbers that follow each other are one range.
local function ranges(numbers)
    local list, first, last = {}, nil, nil
    for at = 1, #numbers + 1 do
        local number = numbers[at]
        if last and number == last + 1 then
            last = number
        else
            if first then list[#list + 1] = first == last and tostring(first) or first .. "-" .. last end
            first, last = number, number
        end
    end
    return table.concat(list, " ")
end

local missed = {}
for _, file in ipairs(counted.files) do
    local name = file.file:match("^src/(%w+)/")
    layers[name] = layers[name] or { lines = 0, ran = 0, branches = 0, taken = 0 }
    local numbers = {}
    for _, line in ipairs(file.lines) do
        if not line["gcovr/noncode"] then
            add(layers[name], line)
            add(total, line)
            if line.count == 0 then numbers[#numbers + 1] = line.line_number end
        end
    end
    if #numbers > 0 then missed[file.file] = ranges(numbers) end
end

local function row(name, of)
    print(("%-10s %6d of %6d lines %5.1f %%   %6d of %6d branches %5.1f %%"):format(name, of.ran,
        of.lines, 100 * of.ran / of.lines, of.taken, of.branches,
        of.branches > 0 and 100 * of.taken / of.branches or 100))
end

for _, name in ipairs(json.sorted_keys(layers)) do row(name, layers[name]) end
row("all", total)
print("\nnever ran:")
for _, name in ipairs(json.sorted_keys(missed)) do print(("  %-36s %s"):format(name, missed[name])) end
