-- tools/tidy can go red: a small tree that is clean, then one fault at a time, each of which must
-- be reported at its place, and nothing else.
local source = assert(os.getenv("SYNOD_SOURCE") or arg[0]:match("^(.*)/tests/unit/[^/]*$"),
    "start it from ctest, or set SYNOD_SOURCE")
local root = os.tmpname()
os.remove(root)

local function run(command)
    local pipe = assert(io.popen(command .. " 2>&1"))
    local output = pipe:read("a")
    local ok, _, code = pipe:close()
    return output, ok and 0 or code
end

local function must(command)
    local output, code = run(command)
    assert(code == 0, command .. "\n" .. output)
end

local function write(path, content)
    must("mkdir -p " .. root .. "/" .. (path:match("^(.*)/") or ""))
    local file = assert(io.open(root .. "/" .. path, "wb"))
    file:write(content)
    file:close()
end

local function archive(layer, path)
    local object = root .. "/" .. path:match("[^/]+$") .. ".o"
    local compiler = os.getenv("CC") or "cc"
    must(("%s -std=c17 -O0 -w -I%s/include -I%s/src -c %s/%s -o %s"):format(compiler, root, root,
        root, path, object))
    must(("mkdir -p %s/build/release/lib && ar rc %s/build/release/lib/libsynod_%s.a %s"):format(
        root, root, layer, object))
end

-- The clean tree: everything that a check looks at, once, in order.
local CLEAN = {
    ["include/synod/types.h"] = "#include <stdint.h>\n",
    ["src/base/check.h"] = '#ifdef __cplusplus\nextern "C" {\n#endif\nvoid check_failed(void);\n' ..
        "#ifdef __cplusplus\n}\n#endif\n",
    ["src/base/check.c"] = '#include "base/check.h"\n#include <stdio.h>\n#include <stdlib.h>\n' ..
        'void check_failed(void) {\n    fprintf(stderr, "{");\n    abort();\n}\n',
    ["src/base/sum.c"] = "int sum(int a) {\n    return a + 1;\n}\n",
    ["src/model/tally.h"] = '#include "base/check.h"\n#include <synod/types.h>\n',
    ["src/protocol/protocol.h"] = '#include "model/tally.h"\n',
    ["src/protocol/registry.h"] = '#include "protocol/protocol.h"\n',
    ["src/protocol/registry.c"] = '#include "protocol/registry.h"\n' ..
        '#include "protocol/alpha/alpha.h"\n#include "protocol/beta/beta.h"\n',
    ["src/protocol/alpha/alpha.h"] = '#include "protocol/protocol.h"\n',
    ["src/protocol/alpha/alpha.c"] = '#include "alpha.h"\n/* AL 1, AL 2: two rules */\n' ..
        "int alpha(void) {\n    return 0;\n}\n/* AL 10 */\n",
    ["src/protocol/beta/beta.h"] = '#include "protocol/protocol.h"\n',
    ["src/replica/gate.c"] = '#include "protocol/registry.h"\n#include "model/tally.h"\n',
    ["sim/world.c"] = '#include "src/replica/gate.c"\n#include "protocol/protocol.h"\n',
    ["tests/unit/alpha_test.c"] = '#include "protocol/alpha/alpha.h"\n' ..
        "/* AL 1 and then AL 2; attacks Q1, Q2 */\n",
    ["tests/scenario/alpha.lua"] = "--[[ a play\nAL 10\n]]\nprint(1) -- attack P4 as in ...\n",
    ["docs/protocols/alpha.md"] = "# Alpha\n\n**AL 1** upon start\n- **AL 2** upon vote\n\n" ..
        "AL 10: upon time-out\n",
    ["docs/attacks.md"] = "# Attacks\n\n| attack | what | status |\n|---|---|---|\n" ..
        "| Q1 | twice | test |\n| Q2 | again | `test` |\n| P4 | state | test |\n" ..
        "| D1 | dag | n/a: no DAG yet |\n| N1 | net | owed |\n",
}

local function lay_clean_tree()
    must("rm -rf " .. root)
    for path, content in pairs(CLEAN) do write(path, content) end
    archive("base", "src/base/check.c")
    archive("base", "src/base/sum.c")
end

local function tidy()
    return run(("lua5.4 %s/tools/tidy --root %s"):format(source, root))
end

local passed, failed = 0, 0

local function judge(name, ok, output)
    if ok then
        passed = passed + 1
    else
        failed = failed + 1
        print("FAILED " .. name .. "\n" .. output)
    end
end

-- Applies one fault to the clean tree and expects exactly one line of findings, `expected`.
local function red(name, expected, break_it)
    lay_clean_tree()
    break_it()
    local output, code = tidy()
    local ok = code == 1 and output:find(expected, 1, true) ~= nil
        and output:find(" files, 1 findings\n", 1, true) ~= nil
    judge(name, ok, "expected only: " .. expected .. "\n" .. output)
end

-- Appends to a file of the clean tree.
local function append(path, content)
    return function() write(path, (CLEAN[path] or "") .. content) end
end

local function body(lines)
    return "int f(int a)\n{\n" .. ("    a++;\n"):rep(lines - 2) .. "}\n"
end

local function allows(name, break_it)
    lay_clean_tree()
    break_it()
    local output, code = tidy()
    judge(name, code == 0, "expected no finding\n" .. output)
end

lay_clean_tree()
local output, code = tidy()
judge("a clean tree", code == 0 and output:find("0 findings", 1, true) ~= nil
    and output:find("attacks: 5 in the catalogue, 1 owed", 1, true) ~= nil
    and output:find("symbols: 1 archives", 1, true) ~= nil
    and output:find("rules: 3 numbered", 1, true) ~= nil, output)

-- 1. Arrows
red("upward include", "src/base/sum.c:4: base must not include model (src/model/tally.h)",
    append("src/base/sum.c", '#include "model/tally.h"\n'))
red("upward include by a relative path", "src/base/sum.c:4: base must not include model",
    append("src/base/sum.c", '#include "../model/tally.h"\n'))
red("sideways include", "src/client/a.c:1: client must not include replica",
    append("src/client/a.c", '#include "replica/gate.c"\n'))
red("a public header sees a layer", "include/synod/types.h:2: include must not include base",
    append("include/synod/types.h", '#include "base/check.h"\n'))
red("inside of a protocol from above", "src/replica/gate.c:3: only protocol.h, registry.h and costs.h",
    append("src/replica/gate.c", '#include "protocol/alpha/alpha.h"\n'))
red("one protocol sees another", "src/protocol/alpha/alpha.c:7: includes the folder of another",
    append("src/protocol/alpha/alpha.c", '#include "protocol/beta/beta.h"\n'))
red("a circle", "circle of includes: src/base/a.h -> src/base/b.h -> src/base/a.h", function()
    write("src/base/a.h", '#include "base/b.h"\n')
    write("src/base/b.h", '#include "base/a.h"\n')
end)
red("a folder that is no layer", "src/misc/a.c:1: belongs to no layer",
    append("src/misc/a.c", "int a;\n"))
allows("an include in a comment", append("src/base/sum.c", '/*\n#include "model/tally.h"\n*/\n'))

-- 2. Symbols
local function compiled(layer, path, content)
    return function()
        append(path, content)()
        archive(layer, path)
    end
end
red("an allocator", "src/model/a.c:3: model reaches malloc, which allocates",
    compiled("model", "src/model/a.c",
        "#include <stdlib.h>\n/* malloc */\nvoid *a(void) { return malloc(1); }\n"))
red("a clock", "src/base/sum.c:5: base reaches time, which reads or waits for a clock",
    compiled("base", "src/base/sum.c", "#include <time.h>\nlong b(void) { return time(0); }\n"))
red("an exception holds for its file only", "src/base/sum.c:5: base reaches abort",
    compiled("base", "src/base/sum.c", "#include <stdlib.h>\nvoid b(void) { abort(); }\n"))
red("a fortified stream", "src/codec/a.c:1: codec reaches printf, which touches files or streams",
    compiled("codec", "src/codec/a.c",
        "int __printf_chk(int, const char *); int a(void) { return __printf_chk(1, 0); }\n"))
red("random keys", "crypto reaches crypto_sign_keypair, which is not deterministic",
    compiled("crypto", "src/crypto/a.c",
        "int crypto_sign_keypair(); int a(void) { return crypto_sign_keypair(); }\n"))
allows("keys of a seed", compiled("crypto", "src/crypto/a.c",
    "int crypto_sign_seed_keypair(); int a(void) { return crypto_sign_seed_keypair(); }\n"))
red("an archive that is none", "libsynod_codec.a:1: nm cannot read it",
    append("build/release/lib/libsynod_codec.a", "not an archive\n"))

-- 3. Lengths
red("a long function", "src/base/sum.c:5: function f has 71 lines, more than 70",
    append("src/base/sum.c", body(71)))
allows("a function at the bound", append("src/base/sum.c", body(70)))
allows("a long table", append("src/base/sum.c",
    "const int t[] = {\n" .. ("0,\n"):rep(80) .. "};\n"))
allows("a long struct", append("src/base/sum.c",
    "struct __attribute__((packed)) t {\n" .. ("int (*f);\n"):rep(80) .. "};\n"))
red("a long function after unbalanced conditions", "function f has 71 lines",
    append("src/base/sum.c", "int g(void) {\n#if A\n    if (1) {\n#else\n    if (2) {\n#endif\n" ..
        "    }\n}\n" .. body(71)))
red("a long file", "src/base/sum.c:401: file has 401 lines, more than 400",
    append("src/base/sum.c", ("\n"):rep(398)))
red("a long test", "tests/unit/alpha_test.c:601: file has 601 lines, more than 600",
    append("tests/unit/alpha_test.c", ("\n"):rep(599)))
red("a long line", "src/base/sum.c:4: line has 101 columns, more than 100",
    append("src/base/sum.c", "/* " .. ("\u{e9}"):rep(95) .. " */\n"))
allows("100 columns", append("src/base/sum.c", "/* " .. ("\u{e9}"):rep(94) .. " */\n"))

-- 4. Rules
local function replace(path, from, to)
    return function() write(path, (CLEAN[path]:gsub(from, to))) end
end
red("a rule without code", "docs/protocols/alpha.md:4: rule AL 2 has no code",
    replace("src/protocol/alpha/alpha.c", ", AL 2", ""))
red("another number is not this rule's", "docs/protocols/alpha.md:3: rule AL 1 has no code",
    replace("src/protocol/alpha/alpha.c", "AL 1, ", ""))
red("a rule without test", "docs/protocols/alpha.md:6: rule AL 10 has no test",
    replace("tests/scenario/alpha.lua", "AL 10", "AL 100"))
red("a rule in code without comment", "rule AL 10 has no code",
    replace("src/protocol/alpha/alpha.c", "/%* AL 10 %*/", 'char *a = "AL 10";'))
red("code of a rule that is gone", "src/protocol/alpha/alpha.c:7: no page in docs/protocols has a",
    append("src/protocol/alpha/alpha.c", "/* AL 11: gone */\n"))
red("a number used twice", "docs/protocols/alpha.md:7: rule AL 2 is numbered twice",
    append("docs/protocols/alpha.md", "**AL 2** again\n"))

-- 5. Attacks
red("an attack without test", "docs/attacks.md:7: no comment `attack P4`",
    replace("tests/scenario/alpha.lua", "attack P4", "P4"))
red("n/a without reason", "docs/attacks.md:8: status of D1 is `n/a`",
    replace("docs/attacks.md", "n/a: no DAG yet", "n/a"))
red("no status column", "docs/attacks.md:1: has no table",
    replace("docs/attacks.md", "status", "s"))
allows("no catalogue yet", function() os.remove(root .. "/docs/attacks.md") end)

-- 6. Words
red("unfinished C", "src/base/sum.c:4: TO" .. "DO: finish it",
    append("src/base/sum.c", "/* TO" .. "DO later */\n"))
red("unfinished Lua", "tests/scenario/alpha.lua:5: FIX" .. "ME: finish it",
    append("tests/scenario/alpha.lua", "-- FIX" .. "ME\n"))
allows("a template of mkdtemp",
    append("tests/unit/alpha_test.c", 'char *t = "a-' .. ("X"):rep(6) .. '";\n'))

must("rm -rf " .. root)
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0)
