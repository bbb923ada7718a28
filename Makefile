# Synod: short names for what CMake, Ninja and ctest do. `make` alone builds the release.
# BUILD=folder puts the build elsewhere; JOBS=n bounds parallel compilers; ARGS="..." goes to the
# program of demo, bench, proof and soak. BREAK=state: the demo in a build with fault hooks, where
# one validator's state is damaged and the demo has to find it.
# PREFIX and DESTDIR: where `make install` puts things.
BUILD ?= build
JOBS ?= $(shell nproc)
ARGS ?=
BREAK ?=
PREFIX ?= /usr/local
SYNOD = $(BUILD)/release/synod
C_FILES = $(shell find $(wildcard include src node cli sim tests bench examples) -name '*.[ch]')

.PHONY: release debug fuzz tsan faults program hooked test demo bench proof proof-table soak tidy
.PHONY: coverage install deb package-test format clean

release debug fuzz tsan faults:
	@cmake --preset $@ -B $(BUILD)/$@ >/dev/null
	@cmake --build $(BUILD)/$@ -j $(JOBS)

# What a newcomer waits for: the program and the floors it is compared with, without the tests.
program:
	@cmake --preset release -B $(BUILD)/release >/dev/null
	@cmake --build $(BUILD)/release -j $(JOBS) --target synod bench_floors

test: debug
	@ctest --test-dir $(BUILD)/debug --output-on-failure --no-tests=error --no-label-summary -j 2

ifneq ($(BREAK),)
demo: hooked
	@exec $(BUILD)/faults/synod demo --break "$(BREAK)" $(ARGS)
else
demo: program
	@exec $(SYNOD) demo $(ARGS)
endif

# The program with fault hooks: it can be broken, and its syncs slowed.
hooked:
	@cmake --preset faults -B $(BUILD)/faults >/dev/null
	@cmake --build $(BUILD)/faults -j $(JOBS) --target synod

bench: program hooked
	@SYNOD_BIN=$(SYNOD) SYNOD_HOOKED=$(BUILD)/faults/synod exec sh tools/bench.sh $(ARGS)

# The figures behind docs/claims.md: STAGE="sim breaks" for some stages only; proof-table runs nothing.
proof-table:
	@sh tools/proof.sh --table

# A script tools/NAME.sh leads through the longer ones.
proof soak: release
	@if [ -f tools/$@.sh ]; then SYNOD_BIN=$(SYNOD) exec sh tools/$@.sh $(ARGS); \
	else echo "make $@: there is no tools/$@.sh yet" >&2; exit 1; fi

# Program, library, headers, manual pages, completion: DESTDIR=folder puts the tree below it.
install:
	@cmake --preset release -B $(BUILD)/release -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	@cmake --build $(BUILD)/release -j $(JOBS) --target installed
	@DESTDIR="$(DESTDIR)" cmake --install $(BUILD)/release

# The Debian packages, into $(BUILD)/deb; package-test installs them in a tree made for it, boots
# systemd there, and does what docs/guide/operate.md says.
deb:
	@BUILD="$(BUILD)" JOBS="$(JOBS)" exec sh packaging/deb.sh

package-test: deb
	@BUILD="$(BUILD)" exec sh packaging/fresh.sh $(ARGS)

tidy: release
	@tools/tidy --build $(BUILD)/release

# Which lines and branches of src/ the tests run (docs/guide/coverage.md).
coverage:
	@BUILD=$(BUILD)/coverage JOBS=$(JOBS) exec sh tools/coverage.sh $(ARGS)

format:
	@clang-format -i $(C_FILES)

clean:
	rm -rf $(BUILD)
