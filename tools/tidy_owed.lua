-- What the documents promise, for tools/tidy: every numbered rule of docs/protocols has code and a
-- test, every attack of docs/attacks.md has a test or a reason.
local text = require("tidy_text")

local owed = {}

local function is_test(path)
    return text.starts_with(path, "tests/") or text.starts_with(path, "sim/")
end

-- The rules that a page numbers: `**NAME k**` or `NAME k:` at the start of a line or list item.
-- `rules` maps each to its place and lists them in order; `names` has every NAME.
local function rules_of_page(path, content, rules, names, report)
    for number, line in ipairs(text.lines(content)) do
        line = line:gsub("^%s+", ""):gsub("^[-*]%s+", "")
        local name, index = line:match("^%*%*([A-Z][A-Z0-9_-]*) (%d+)[.:]?%*%*")
        if not name then name, index = line:match("^([A-Z][A-Z0-9_-]*) (%d+):") end
        if name then
            local rule = name .. " " .. index
            if rules[rule] then
                report.finding(path, number, "rule %s is numbered twice (see %s:%d)", rule,
                    rules[rule].path, rules[rule].line)
            else
                rules[rule] = { path = path, line = number }
                rules[#rules + 1] = rule
                names[name] = true
            end
        end
    end
end

-- Rules that open a comment of a protocol, as in `NAME 7, NAME 8: why`. One that no page numbers is
-- left over from a renumbering.
local function collect_implemented(source, rules, names, implemented, report)
    for _, comment in ipairs(source.comments) do
        local rest = comment[2]
        while rest do
            local name, index = rest:match("^([A-Z][A-Z0-9_-]*) (%d+)%f[^%w_]")
            if not name then break end
            local rule = name .. " " .. index
            implemented[rule] = true
            if names[name] and not rules[rule] then
                report.finding(source.path, comment[1], "no page in docs/protocols has a rule %s",
                    rule)
            end
            rest = rest:sub(#rule + 1):match("^%s*,%s*(.*)$")
        end
    end
end

local function collect_exercised(source, exercised)
    for _, comment in ipairs(source.comments) do
        for name, index in comment[2]:gmatch("%f[%w_]([A-Z][A-Z0-9_-]*) (%d+)%f[^%w_]") do
            exercised[name .. " " .. index] = true
        end
    end
end

function owed.check_rules(tree, report)
    local rules, names, implemented, exercised = {}, {}, {}, {}
    for _, path in ipairs(text.output_lines("cd " .. text.quoted(tree.root) ..
        " && ls docs/protocols/*.md 2>/dev/null")) do
        rules_of_page(path, text.read_all(tree.root .. "/" .. path), rules, names, report)
    end
    for _, path in ipairs(tree.paths) do
        if text.starts_with(path, "src/protocol/") or text.starts_with(path, "src/replica/") then
            collect_implemented(tree.sources[path], rules, names, implemented, report)
        elseif is_test(path) then
            collect_exercised(tree.sources[path], exercised)
        end
    end
    for _, rule in ipairs(rules) do
        local at = rules[rule]
        if not implemented[rule] then
            report.finding(at.path, at.line, "rule %s has no code: /* %s */ in src/protocol or src/replica",
                rule, rule)
        end
        if not exercised[rule] then
            report.finding(at.path, at.line, "rule %s has no test: a comment in tests or sim", rule)
        end
    end
    report.note("rules: %d numbered in docs/protocols", #rules)
end

-- The attacks that a comment names: `attack Q1` or `attacks Q1, P4`; the list ends at the first
-- word that is not such a number.
function owed.collect_tested(source, tested)
    for _, comment in ipairs(source.comments) do
        for list in comment[2]:gmatch("%f[%w]attacks? ([%w, ]+)") do
            for attack in list:gmatch("[^%s,]+") do
                if not attack:match("^%u+%d+%l?$") then break end
                tested[attack] = true
            end
        end
    end
end

local function cells_of_row(line)
    local cells = {}
    for cell in (line:match("^%s*|(.*)|%s*$") or ""):gmatch("[^|]*") do
        cells[#cells + 1] = cell:gsub("[`*]", ""):match("^%s*(.-)%s*$")
    end
    return cells
end

-- The rows of all tables that have a column `status`: { line, attack, status }.
function owed.attack_rows(content)
    local rows, column = {}, nil
    for number, line in ipairs(text.lines(content)) do
        local cells = cells_of_row(line)
        if #cells < 2 then
            column = nil
        elseif not column then
            for index, cell in ipairs(cells) do
                if cell:lower() == "status" then column = index end
            end
        elseif not line:match("^[%s|:-]+$") then
            rows[#rows + 1] = { line = number, attack = cells[1], status = cells[column] or "" }
        end
    end
    return rows
end

function owed.check_attacks(tree, report)
    local catalogue = "docs/attacks.md"
    local content = text.read_all(tree.root .. "/" .. catalogue)
    if not content then
        report.note("attacks not checked: no %s", catalogue)
        return
    end
    local tested, owed_count = {}, 0
    for _, path in ipairs(tree.paths) do
        if is_test(path) then owed.collect_tested(tree.sources[path], tested) end
    end
    local rows = owed.attack_rows(content)
    if #rows == 0 then report.finding(catalogue, 1, "has no table with a column `status`") end
    for _, row in ipairs(rows) do
        if row.status == "owed" then
            owed_count = owed_count + 1
        elseif row.status == "test" then
            if not tested[row.attack] then
                report.finding(catalogue, row.line, "no comment `attack %s` in tests or sim",
                    row.attack)
            end
        elseif not row.status:match("^n/a: %S") then
            report.finding(catalogue, row.line, "status of %s is `%s`: not test, owed, n/a: reason",
                row.attack, row.status)
        end
    end
    report.note("attacks: %d in the catalogue, %d owed", #rows, owed_count)
end

return owed
