-- What a test measured, as files in the folder that is the first argument, and what is found wrong.
local measured = { failures = 0 }

function measured.read(name)
    local file = assert(io.open(arg[1] .. "/" .. name))
    local all = file:read("a")
    file:close()
    return all
end

function measured.check(good, format, ...)
    if good then return end
    measured.failures = measured.failures + 1
    print("FAILED: " .. format:format(...))
end

return measured
