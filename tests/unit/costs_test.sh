#!/bin/sh
# What `synod protocols --costs` prints, a protocol's page says too: each formula stands there as it
# stands in src/protocol/costs.c, which the simulator checks.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$SYNOD_BIN" protocols --costs --json --n 7 > "$folder/costs"
"$SYNOD_BIN" protocols --costs --n 7 > "$folder/text"
code=0
"$SYNOD_BIN" protocols --costs --n 0 > "$folder/out" 2>&1 || code=$?
[ "$code" = 2 ] && grep -q "from 1 to" "$folder/out"
cd "$SYNOD_SOURCE"
lua5.4 - "$folder" <<'END'
package.path = "tools/?.lua;" .. package.path
local json = require("json")
local function read(path) local file = assert(io.open(path)); return file:read("a") end
local folder, formulas, wrong = arg[1], 0, 0
local text = read(folder .. "/text")
for _, protocol in ipairs(json.decode(read(folder .. "/costs"))) do
    local page = read("docs/protocols/" .. protocol.name .. ".md")
    local function look(formula)
        formulas = formulas + 1
        if not page:find("`" .. formula .. "`", 1, true) then
            wrong = wrong + 1
            print(protocol.name .. ": its page does not say `" .. formula .. "`")
        end
    end
    for _, case in ipairs(protocol.cases or {}) do
        for key, value in pairs(case) do
            if key:match("_formula$") then look(value) end
        end
        if not text:find("%f[%d]" .. math.tointeger(case.bytes) .. "%f[%D]") then
            wrong = wrong + 1
            print(protocol.name .. ": the text does not have " .. case.bytes)
        end
    end
    if protocol.cases then look(protocol.certificate_bytes_formula) end
end
print(formulas .. " formulas, " .. wrong .. " are not as on their page")
os.exit(wrong == 0 and formulas >= 130 and 0 or 1)
END
