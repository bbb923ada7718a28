-- Reads a source tree for tools/tidy: files as lines, C as code apart from comments.
local text = {}

function text.starts_with(whole, prefix)
    return whole:sub(1, #prefix) == prefix
end

-- The words of a list as a set.
function text.words(list)
    local set = {}
    for word in list:gmatch("%S+") do set[word] = true end
    return set
end

function text.quoted(name)
    return "'" .. name:gsub("'", "'\\''") .. "'"
end

function text.output_lines(command)
    local lines, pipe = {}, assert(io.popen(command))
    for line in pipe:lines() do lines[#lines + 1] = line end
    pipe:close()
    return lines
end

-- The content of a file, or nil.
function text.read_all(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local content = file:read("a")
    file:close()
    return content
end

function text.lines(whole)
    local lines = {}
    for line in (whole:sub(-1) == "\n" and whole or whole .. "\n"):gmatch("(.-)\r?\n") do
        lines[#lines + 1] = line
    end
    return lines
end

local function blank(piece)
    return (piece:gsub("[^\n]", " "))
end

-- Where the comment or the literal that starts at `start` ends.
local function end_of(whole, start)
    local two = whole:sub(start, start + 1)
    if two == "/*" then return select(2, whole:find("*/", start + 2, true)) or #whole end
    if two == "//" then return (whole:find("\n", start, true) or #whole + 1) - 1 end
    local quote, at = two:sub(1, 1), start + 1
    while at <= #whole do
        local mark = whole:sub(at, at)
        if mark == quote or mark == "\n" then break end
        at = at + (mark == "\\" and 2 or 1)
    end
    return math.min(at, #whole)
end

-- A C text with comments and the inside of quotes blanked (except for #include), same lines; and
-- its comments as a list of { line, text }, one for each line of a comment.
function text.split_c(whole)
    local code, comments, at, line = {}, {}, 1, 1
    local function keep(piece)
        code[#code + 1] = piece
        line = line + select(2, piece:gsub("\n", ""))
    end
    while true do
        local start = whole:find("[\"'/]", at)
        if not start then break end
        keep(whole:sub(at, start - 1))
        local two, stop = whole:sub(start, start + 1), start
        local first = two:sub(1, 1)
        if two == "/*" or two == "//" then
            stop = end_of(whole, start)
            local body = whole:sub(start + 2, two == "/*" and stop - 2 or stop)
            for index, part in ipairs(text.lines(body)) do
                comments[#comments + 1] = { line + index - 1, (part:gsub("^[%s*]+", "")) }
            end
            keep(blank(whole:sub(start, stop)))
        elseif first == "/" then
            keep("/")
        else
            stop = end_of(whole, start)
            local before = whole:sub(math.max(1, start - 40), start - 1)
            if before:match("#%s*include%s*$") then
                keep(whole:sub(start, stop))
            else
                keep(first .. blank(whole:sub(start + 1, stop - 1)) .. whole:sub(stop, stop))
            end
        end
        at = stop + 1
    end
    keep(whole:sub(at))
    return table.concat(code), comments
end

-- The comments of a Lua text: `-- ...` and `--[[ ... ]]`.
function text.lua_comments(whole)
    local comments, inside = {}, false
    for number, line in ipairs(text.lines(whole)) do
        local comment = line
        if not inside then
            comment = line:match("%-%-(.*)$")
            inside = comment ~= nil and text.starts_with(comment, "[[")
        end
        if inside and line:find("]]", 1, true) then inside = false end
        if comment then
            comments[#comments + 1] = { number, (comment:gsub("^[%s%-%[]+", "")) }
        end
    end
    return comments
end

-- The tree below `root`: paths sorted, and for each path its lines and comments, and its code if it
-- is C.
function text.load_tree(root, folders)
    local tree = { root = root, paths = {}, sources = {} }
    local found = text.output_lines("cd " .. text.quoted(root) .. " && find " .. folders ..
        " -type f \\( -name '*.c' -o -name '*.h' -o -name '*.lua' \\) 2>/dev/null | LC_ALL=C sort")
    for _, path in ipairs(found) do
        local content = text.read_all(root .. "/" .. path)
        if content then -- it may have gone since it was listed
            local source = { path = path, lines = text.lines(content) }
            if path:match("%.[ch]$") then
                local code
                code, source.comments = text.split_c(content)
                source.code = text.lines(code)
            else
                source.comments = text.lua_comments(content)
            end
            tree.sources[path] = source
            tree.paths[#tree.paths + 1] = path
        end
    end
    return tree
end

return text
