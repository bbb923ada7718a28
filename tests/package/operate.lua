-- Takes the commands out of docs/guide/operate.md: a shell script of all blocks marked `sh`, in order.
-- It stops at the first command that fails, and calls `section "Heading"` before each block, which
-- who runs it may define. Usage: operate.lua GUIDE
local guide = assert(io.open(arg[1]))
local heading, inside, blocks, line_number = "", false, 0, 0
print("set -eu")
for line in guide:lines() do
    line_number = line_number + 1
    if not inside and line:match("^## ") then
        heading = line:sub(4)
    elseif not inside and line == "```sh" then
        inside, blocks = true, blocks + 1
        print(("echo '== %s, line %d'\nsection '%s'\nset -x"):format(heading, line_number, heading))
    elseif inside and line == "```" then
        inside = false
        print("{ set +x; } 2> /dev/null")
    elseif inside then
        print(line)
    end
end
assert(not inside and blocks >= 10, "the guide has lost its commands")
print(("echo '== %d blocks ran'"):format(blocks))
