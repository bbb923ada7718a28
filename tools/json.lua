-- JSON in and out for the tools: what our own programs print, and files that people read in a diff.
local json = {}

local ESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function fail(whole, at, what)
    error(("JSON at byte %d: %s near `%s`"):format(at, what, whole:sub(at, at + 20)), 0)
end

local function skip(whole, at)
    return whole:find("[^ \t\r\n]", at) or #whole + 1
end

local function unescape(piece)
    return (piece:gsub("\\u(%x%x%x%x)", function(code)
        return utf8.char(tonumber(code, 16))
    end):gsub("\\(.)", function(mark) return ESCAPES[mark] or mark end))
end

local function read_string(whole, at)
    local stop = at + 1
    while true do
        stop = whole:find('["\\]', stop) or fail(whole, at, "string without end")
        if whole:sub(stop, stop) == '"' then break end
        stop = stop + 2
    end
    return unescape(whole:sub(at + 1, stop - 1)), stop + 1
end

local read_value

-- Members of an object or array up to its closing mark; `keyed`: with names.
local function read_members(whole, at, close, keyed)
    local result = {}
    at = skip(whole, at + 1)
    if whole:sub(at, at) == close then return result, at + 1 end
    while true do
        local key = #result + 1
        if keyed then
            if whole:sub(at, at) ~= '"' then fail(whole, at, "a name is expected") end
            key, at = read_string(whole, at)
            at = skip(whole, at)
            if whole:sub(at, at) ~= ":" then fail(whole, at, "`:` is expected") end
            at = skip(whole, at + 1)
        end
        result[key], at = read_value(whole, at)
        at = skip(whole, at)
        local mark = whole:sub(at, at)
        if mark == close then return result, at + 1 end
        if mark ~= "," then fail(whole, at, "`,` is expected") end
        at = skip(whole, at + 1)
    end
end

function read_value(whole, at)
    local mark = whole:sub(at, at)
    if mark == "{" then return read_members(whole, at, "}", true) end
    if mark == "[" then return read_members(whole, at, "]", false) end
    if mark == '"' then return read_string(whole, at) end
    for word, value in pairs({ ["true"] = true, ["false"] = false }) do
        if whole:sub(at, at + #word - 1) == word then return value, at + #word end
    end
    if whole:sub(at, at + 3) == "null" then return nil, at + 4 end
    local number = whole:match("^-?%d+%.?%d*[eE]?[-+]?%d*", at)
    if not number then fail(whole, at, "a value is expected") end
    return math.tointeger(tonumber(number)) or tonumber(number), at + #number
end

-- One value; what follows it is left alone.
function json.decode(whole)
    return (read_value(whole, skip(whole, 1)))
end

local function quoted(piece)
    return '"' .. piece:gsub('[%c"\\]', function(mark)
        return ("\\u%04x"):format(mark:byte())
    end):gsub("\\u0022", '\\"'):gsub("\\u005c", "\\\\"):gsub("\\u000a", "\\n") .. '"'
end

-- The keys of a table, in order.
function json.sorted_keys(value)
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys)
    return keys
end

-- Keys sorted, one line a member, so that a diff shows what changed. An empty table is an object.
function json.encode(value, indent)
    indent = indent or ""
    if type(value) == "string" then return quoted(value) end
    if type(value) ~= "table" then return tostring(value) end
    local deeper, lines = indent .. "  ", {}
    if #value > 0 then
        for _, item in ipairs(value) do
            lines[#lines + 1] = deeper .. json.encode(item, deeper)
        end
        return "[\n" .. table.concat(lines, ",\n") .. "\n" .. indent .. "]"
    end
    for _, key in ipairs(json.sorted_keys(value)) do
        lines[#lines + 1] = deeper .. quoted(key) .. ": " .. json.encode(value[key], deeper)
    end
    if #lines == 0 then return "{}" end
    return "{\n" .. table.concat(lines, ",\n") .. "\n" .. indent .. "}"
end

return json
