#!/bin/sh
# Hand-made breaks, each caught for the expected reason: see tests/breaks/run.lua. Those that take
# long are left to `make proof`.
set -eu
exec "${LUA:-lua5.4}" "$SYNOD_SOURCE/tests/breaks/run.lua" --build "$SYNOD_BUILD" --quick --jobs 2
