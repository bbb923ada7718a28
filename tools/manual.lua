-- Manual pages and shell completion, made of what the program says of itself, so that they cannot
-- differ from it: `synod` alone gives the verbs, `synod VERB --help` the rest.
--
-- Usage: tools/manual.lua --synod PROGRAM --changelog FILE --out FOLDER
-- Writes FOLDER/man1/synod.1 and synod-VERB.1, FOLDER/synod.bash and FOLDER/_synod (zsh).
-- Exit 0 done, 1 the help cannot be read, 2 usage.

local function fail(code, text)
    io.stderr:write("manual: ", text, "\n")
    os.exit(code)
end

local options = {}
for i = 1, #arg, 2 do
    options[arg[i]] = arg[i + 1]
end
local program, changelog, out = options["--synod"], options["--changelog"], options["--out"]
if #arg ~= 6 or not program or not changelog or not out then
    fail(2, "usage: manual.lua --synod PROGRAM --changelog FILE --out FOLDER")
end

local function said(arguments)
    local pipe = assert(io.popen(("'%s' %s"):format(program, arguments)))
    local text = pipe:read("a")
    if not pipe:close() or text == "" then
        fail(1, ("synod %s says nothing"):format(arguments))
    end
    return text
end

-------------------------------------------------------------------------------------------------
-- Reading
-------------------------------------------------------------------------------------------------

-- `  --name VALUE   what it does`; nothing when the line is none.
local function read_option(line)
    local name, rest = line:match("^  %-%-([%l%d-]+)(.*)$")
    if not name then
        return nil
    end
    local value, help = rest:match("^ (%u[%u/]*)%s+(%S.*)$")
    return { name = name, value = value, help = help or rest:match("^%s+(%S.*)$") or "" }
end

-- The usage may name options that have no line of their own.
local function add_from_usage(help)
    local known = {}
    for _, option in ipairs(help.options) do
        known[option.name] = true
    end
    for name, value in table.concat(help.usage, " "):gmatch("%-%-([%l%d-]+) ?(%u*)") do
        if not known[name] then
            known[name] = true
            help.options[#help.options + 1] = { name = name, value = value ~= "" and value or nil,
                help = "see the synopsis" }
        end
    end
end

local function trim(lines)
    while lines[1] == "" do
        table.remove(lines, 1)
    end
    while lines[#lines] == "" do
        table.remove(lines)
    end
end

-- { name, usage = {lines}, details = {lines}, options = {{name, value, help}}, examples = {lines},
--   children = {names} }
local function read_help(name)
    local help = { name = name, usage = {}, details = {}, options = {}, examples = {}, children = {} }
    local part = "usage"
    for line in said(name .. " --help"):gmatch("([^\n]*)\n") do
        local option = read_option(line)
        for child in line:gmatch("synod " .. name .. " (%l+) %-%-help") do
            help.children[#help.children + 1] = child
        end
        if part == "usage" and line ~= "" then
            help.usage[#help.usage + 1] = line:match("(synod .+)$") or line:match("^%s*(.+)$")
        elseif part == "usage" or line == "options:" then
            part = "details"
        elseif option then
            help.options[#help.options + 1] = option
        elseif line:match("^examples?:") then
            part = "examples"
            help.examples[1] = line:match("^example: (.+)$")
        elseif part == "examples" and line:match("^  ") then
            help.examples[#help.examples + 1] = line:sub(3)
        else
            part = "details"
            help.details[#help.details + 1] = line
        end
    end
    trim(help.details)
    add_from_usage(help)
    if not help.usage[1] or not help.details[1] then
        fail(1, ("synod %s --help has another form"):format(name))
    end
    return help
end

local verbs, summaries = {}, {}
for name, summary in said(""):gmatch("\n  (%l+)%s+([^\n]+)") do
    verbs[#verbs + 1], summaries[name] = name, summary
end
local pages = {}
for _, verb in ipairs(verbs) do
    local help = read_help(verb)
    help.summary = summaries[verb]
    pages[#pages + 1] = help
    for _, child in ipairs(help.children) do
        local page = read_help(verb .. " " .. child)
        page.summary = page.details[1]:match("^[^.:,]+"):gsub("^%u", string.lower)
        pages[#pages + 1] = page
    end
end
if #verbs == 0 then
    fail(1, "the map of verbs is empty")
end
local version = said("--version"):match("(%S+)\n$")

-------------------------------------------------------------------------------------------------
-- Manual pages
-------------------------------------------------------------------------------------------------

local function escape(text)
    text = text:gsub("\\", "\\e"):gsub("%-", "\\-")
    return (text:gsub("^([.'])", "\\&%1"))
end

local function write(path, text)
    local file = assert(io.open(out .. "/" .. path, "w"))
    file:write(text)
    assert(file:close())
end

-- That of the newest entry, so that the same sources make the same pages on any day.
local function read_date()
    for line in io.lines(changelog) do
        local day, month, year = line:match("^ %-%- .*, (%d%d) (%a%a%a) (%d%d%d%d) ")
        local at = month and ("JanFebMarAprMayJunJulAugSepOctNovDec"):find(month, 1, true)
        if at then
            return ("%s-%02d-%s"):format(year, (at + 2) // 3, day)
        end
    end
    fail(1, changelog .. " has no entry with a date")
end
local date = read_date()

local function head(page, summary)
    local title = page:upper()
    return {
        (".TH %s 1 %s \"Synod %s\" \"Synod Manual\""):format(escape(title), date, version),
        ".SH NAME", escape(page) .. " \\- " .. escape(summary), ".SH SYNOPSIS",
    }
end

-- Lines as they are where they are indented, else as a paragraph.
local function paragraphs(to, lines)
    local literal = false
    for _, line in ipairs(lines) do
        local indented = line:match("^  ") ~= nil
        if indented ~= literal then
            to[#to + 1] = indented and ".PP\n.nf" or ".fi\n.PP"
            literal = indented
        end
        if line ~= "" or to[#to]:sub(-3) ~= ".PP" then
            to[#to + 1] = line == "" and not literal and ".PP" or escape(line)
        end
    end
    if literal then
        to[#to + 1] = ".fi"
    end
end

local EXIT = [[
.SH EXIT STATUS
.TP
0
done
.TP
1
it failed; standard error says what was wrong, where, and what to do
.TP
2
wrong usage]]

local function see_also(to, names)
    to[#to + 1] = ".SH SEE ALSO"
    for i, name in ipairs(names) do
        to[#to + 1] = (".BR %s (1)%s"):format(escape(name), i < #names and "," or "")
    end
end

local function page_name(verb)
    return "synod-" .. verb:gsub(" ", "-")
end

local function verb_page(help)
    local to = head(page_name(help.name), help.summary)
    for i, line in ipairs(help.usage) do
        to[#to + 1] = (i > 1 and ".br\n" or "") .. escape(line)
    end
    to[#to + 1] = ".SH DESCRIPTION"
    paragraphs(to, help.details)
    if #help.options > 0 then
        to[#to + 1] = ".SH OPTIONS"
    end
    for _, option in ipairs(help.options) do
        to[#to + 1] = ".TP"
        to[#to + 1] = option.value
            and (".BI \\-\\-%s \" %s\""):format(escape(option.name), escape(option.value))
            or (".B \\-\\-" .. escape(option.name))
        to[#to + 1] = escape(option.help)
    end
    to[#to + 1] = EXIT
    if #help.examples > 0 then
        to[#to + 1] = ".SH EXAMPLES\n.nf"
        for _, line in ipairs(help.examples) do
            to[#to + 1] = escape(line)
        end
        to[#to + 1] = ".fi"
    end
    local also = { "synod" }
    for _, child in ipairs(help.children) do
        also[#also + 1] = page_name(help.name .. " " .. child)
    end
    see_also(to, also)
    return table.concat(to, "\n") .. "\n"
end

local function main_page()
    local to = head("synod", "Byzantine fault tolerant state machine replication")
    to[#to + 1] = ".B synod\n.I VERB\n[options]\n.br\n.B synod\n.I VERB\n.B \\-\\-help\n.br\n" ..
        ".B synod \\-\\-version\n.SH DESCRIPTION"
    to[#to + 1] = "Four machines keep one ledger, and any one of them may lie; two hundred, and " ..
        "sixty\\-six may.\nEvery verb has a page of its own.\n.SH VERBS"
    local also = {}
    for _, verb in ipairs(verbs) do
        to[#to + 1] = ".TP\n.B " .. verb .. "\n" .. escape(summaries[verb])
        also[#also + 1] = page_name(verb)
    end
    to[#to + 1] = EXIT
    see_also(to, also)
    return table.concat(to, "\n") .. "\n"
end

-------------------------------------------------------------------------------------------------
-- Completion
-------------------------------------------------------------------------------------------------

local protocols = {}
for name in said("protocols --json"):gmatch('"name": ?"([%w-]+)"') do
    protocols[#protocols + 1] = name
end

-- What may stand for an option's value: a kind of file, or words.
local function values(option)
    if option.value == "DIR" then
        return "folder"
    elseif option.value == "FILE" then
        return "file"
    elseif option.name == "protocol" then
        return table.concat(protocols, " ")
    end
    return ""
end

local function bash()
    local verb_words, subs, flags, wanted = table.concat(verbs, " "), {}, {}, {}
    local groups, order = {}, {}
    for _, page in ipairs(pages) do
        local words = { "--help" }
        for _, option in ipairs(page.options) do
            words[#words + 1] = "--" .. option.name
            if option.value then
                local kind = values(option)
                if not groups[kind] then
                    groups[kind] = {}
                    order[#order + 1] = kind
                end
                table.insert(groups[kind], ("'%s --%s'"):format(page.name, option.name))
            end
        end
        flags[#flags + 1] = ("    '%s') words='%s' ;;"):format(page.name, table.concat(words, " "))
        if #page.children > 0 then
            subs[#subs + 1] = page.name
            flags[#flags] = ("    '%s') words='%s --help' ;;"):format(page.name,
                table.concat(page.children, " "))
        end
    end
    for _, kind in ipairs(order) do
        local reply = kind == "folder" and "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$word\"))"
            or kind == "file" and "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\"))"
            or kind == "" and ":"
            or ("COMPREPLY=($(compgen -W '%s' -- \"$word\"))"):format(kind)
        wanted[#wanted + 1] = ("    %s)\n        %s\n        return ;;"):format(
            table.concat(groups[kind], " | "), reply)
    end
    return ([[
# Completion of synod for bash; made by tools/manual.lua of the program's own help.
_synod() {
    local word=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} words=
    COMPREPLY=()
    if [ "$COMP_CWORD" -le 1 ]; then
        COMPREPLY=($(compgen -W '%s --help --version' -- "$word"))
        return
    fi
    case " %s " in
    *" $verb "*) [ "$COMP_CWORD" -gt 2 ] && verb="$verb ${COMP_WORDS[2]}" ;;
    esac
    case "$verb ${COMP_WORDS[COMP_CWORD - 1]}" in
%s
    esac
    case $verb in
%s
    esac
    case $word in
    -*) COMPREPLY=($(compgen -W "$words" -- "$word")) ;;
    *)
        compopt -o filenames
        COMPREPLY=($(compgen -W "$words" -- "$word") $(compgen -f -- "$word"))
        ;;
    esac
} 2> /dev/null
complete -F _synod synod
]]):format(verb_words, table.concat(subs, " "), table.concat(wanted, "\n"), table.concat(flags, "\n"))
end

local function zsh()
    local function quote(text)
        return (text:gsub("'", "'\\''"):gsub("[%[%]:]", "\\%0"))
    end
    local to = { "#compdef synod", "# Made by tools/manual.lua of the program's own help.",
        "local -a verbs", "verbs=(" }
    for _, verb in ipairs(verbs) do
        to[#to + 1] = ("    '%s:%s'"):format(verb, quote(summaries[verb]))
    end
    to[#to + 1] = ")\nif (( CURRENT == 2 )); then\n    _describe verb verbs\n    return\nfi"
    to[#to + 1] = "local verb=$words[2]\nshift words\n(( CURRENT-- ))"
    for _, page in ipairs(pages) do
        if #page.children > 0 then
            to[#to + 1] = ("if [[ $verb == %s ]]; then\n    if (( CURRENT == 2 )); then\n" ..
                "        compadd %s\n        return\n    fi\n    verb=\"$verb $words[2]\"\n" ..
                "    shift words\n    (( CURRENT-- ))\nfi"):format(page.name,
                table.concat(page.children, " "))
        end
    end
    to[#to + 1] = "case $verb in"
    for _, page in ipairs(pages) do
        to[#to + 1] = ("'%s')\n    _arguments '--help[explain the verb]' \\"):format(page.name)
        for _, option in ipairs(page.options) do
            local kind = values(option)
            local action = kind == "folder" and "_files -/" or kind == "file" and "_files"
                or kind == "" and " " or "(" .. kind .. ")"
            to[#to + 1] = ("        '--%s[%s]%s' \\"):format(option.name, quote(option.help),
                option.value and (":" .. option.value .. ":" .. action) or "")
        end
        to[#to + 1] = "        '*:file:_files'\n    ;;"
    end
    to[#to + 1] = "esac"
    return table.concat(to, "\n") .. "\n"
end

os.execute(("rm -rf '%s' && mkdir -p '%s/man1'"):format(out, out))
write("man1/synod.1", main_page())
for _, page in ipairs(pages) do
    write("man1/" .. page_name(page.name) .. ".1", verb_page(page))
end
write("synod.bash", bash())
write("_synod", zsh())
