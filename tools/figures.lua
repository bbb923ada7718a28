-- What the tools share that turn measured figures into tables of our pages.
local figures = {}

-- All of a file, or of standard input.
function figures.read(path)
    local file = assert(path and io.open(path) or not path and io.stdin)
    local all = file:read("a")
    file:close()
    return all
end

function figures.write(path, content)
    local file = assert(io.open(path, "w"))
    file:write(content)
    file:close()
end

function figures.thousands(number)
    local text = ("%d"):format(math.floor(number + 0.5))
    repeat
        local more
        text, more = text:gsub("^(%d+)(%d%d%d)", "%1,%2")
    until more == 0
    return text
end

-- The lines take the place of what is between <!-- name --> and <!-- /name --> in a page.
function figures.put(path, name, lines)
    local first, last = ("<!-- %s -->\n"):format(name), ("<!-- /%s -->\n"):format(name)
    local page = figures.read(path)
    local from, to = page:find(first, 1, true), page:find(last, 1, true)
    assert(from and to, ("%s has no marks for %s"):format(path, name))
    figures.write(path, page:sub(1, from + #first - 1) .. table.concat(lines, "\n") .. "\n" ..
        page:sub(to))
end

return figures
