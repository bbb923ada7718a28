# Compiler flags of the whole tree, for gcc and clang.

add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes)
if(SYNOD_WERROR)
    add_compile_options(-Werror)
endif()

# Only what the public headers mark leaves libsynod; inside of it calls need no table.
add_compile_options(-fvisibility=hidden)

# Same seed, same trace on every machine: no fused multiply-add where the source has two roundings.
add_compile_options(-ffp-contract=off)

if(SYNOD_SANITIZE)
    add_compile_options(-fsanitize=${SYNOD_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${SYNOD_SANITIZE})
    # gcc's flow and range warnings are unreliable on instrumented code (an instrumented shift of a
    # narrow unsigned value is no longer known to be positive); release builds keep them.
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
        add_compile_options(-Wno-maybe-uninitialized -Wno-stringop-overflow -Wno-sign-conversion)
    endif()
else()
    # The daemon parses bytes of strangers.
    add_compile_options(-fstack-protector-strong)
    if(CMAKE_BUILD_TYPE STREQUAL "Release")
        add_compile_definitions(_FORTIFY_SOURCE=2)
    endif()
    add_link_options(-Wl,-z,relro,-z,now)
endif()

# An archive names the libraries that its layer may use; a program loads those that it does use.
add_link_options(-Wl,--as-needed)

# Atomic: workers of one process count together.
if(SYNOD_COVERAGE)
    add_compile_options(--coverage -fprofile-update=atomic)
    add_link_options(--coverage)
endif()

if(SYNOD_FAULT_HOOKS)
    add_compile_definitions(SYNOD_FAULT_HOOKS=1)
endif()

if(SYNOD_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "SYNOD_FUZZ needs clang: use `cmake --preset fuzz`, or set CC=clang")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
