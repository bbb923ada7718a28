# Functions that turn folders into targets. All of them accept that there is nothing yet.

# Include roots and feature macros of a target. WORLD: it touches the operating system; all others
# are strict C17, so that a call of POSIX does not even compile there.
function(synod_common target world)
    target_include_directories(${target} PRIVATE
        ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
    if(world)
        target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
    endif()
endfunction()

# synod_layer(NAME FOLDER [SEES layer...] [LIBS module...] [WORLD]): the archive synod_NAME of all
# sources under FOLDER. A file main.c is left to synod_main.
function(synod_layer name folder)
    cmake_parse_arguments(LAYER "WORLD" "" "SEES;LIBS" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.c)
    list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/${folder}/main.c)
    if(NOT sources OR (SYNOD_ONLY AND NOT name IN_LIST SYNOD_ONLY))
        return()
    endif()
    add_library(synod_${name} STATIC ${sources})
    synod_common(synod_${name} ${LAYER_WORLD})
    # From the highest to the lowest, the order in which archives resolve each other.
    list(REVERSE LAYER_SEES)
    foreach(seen ${LAYER_SEES})
        if(TARGET synod_${seen})
            target_link_libraries(synod_${name} PUBLIC synod_${seen})
        endif()
    endforeach()
    foreach(module ${LAYER_LIBS})
        target_link_libraries(synod_${name} PUBLIC PkgConfig::${module})
    endforeach()
    target_link_libraries(synod_${name} PUBLIC m)
    set_property(GLOBAL APPEND PROPERTY SYNOD_LAYERS synod_${name})
endfunction()

# What `synod protocols` says of each protocol comes from the results of make proof and nowhere else.
# It depends on all sources, because they decide whether a result is stale; it is compiled again only
# when the text changes.
function(synod_proof_status)
    if(NOT TARGET synod_cli)
        return()
    endif()
    find_program(LUA_PROGRAM NAMES lua5.4 lua54 lua REQUIRED)
    set(results ${CMAKE_SOURCE_DIR}/docs/proof/results.json)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS include/*.[ch] src/*.[ch] sim/*.[ch] tools/proof*.lua)
    add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/proof_status.c
        COMMAND ${LUA_PROGRAM} ${CMAKE_SOURCE_DIR}/tools/proof.lua
            --embed ${CMAKE_BINARY_DIR}/proof_status.c
        DEPENDS ${results} ${sources} COMMENT "The status of protocols from docs/proof/results.json")
    target_sources(synod_cli PRIVATE ${CMAKE_BINARY_DIR}/proof_status.c)
endfunction()

# Links a program with every layer that exists.
function(synod_link_all target)
    get_property(layers GLOBAL PROPERTY SYNOD_LAYERS)
    list(REVERSE layers)
    target_link_libraries(${target} PRIVATE ${layers} m)
endfunction()

# synod_main(TARGET FILE): the program, in the root of the build folder.
function(synod_main target file)
    file(GLOB sources CONFIGURE_DEPENDS ${file})
    if(NOT sources)
        return()
    endif()
    add_executable(${target} ${sources})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
    synod_common(${target} TRUE)
    synod_link_all(${target})
endfunction()

# synod_support(TARGET FOLDER [LIBS module...]): the archive of helpers in FOLDER; it sees all.
function(synod_support target folder)
    cmake_parse_arguments(SUPPORT "" "" "LIBS" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.c)
    if(sources)
        add_library(${target} STATIC ${sources})
        synod_common(${target} TRUE)
        foreach(module ${SUPPORT_LIBS})
            target_link_libraries(${target} PUBLIC PkgConfig::${module})
        endforeach()
        synod_link_all(${target})
    endif()
endfunction()

# synod_programs(FOLDER [LIBS module...]): each source of FOLDER is one program FOLDER/NAME, helped
# by FOLDER/support.
function(synod_programs folder)
    cmake_parse_arguments(PROGRAMS "" "" "LIBS" ${ARGN})
    synod_support(synod_${folder}_support ${folder}/support LIBS ${PROGRAMS_LIBS})
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.c)
    foreach(source ${sources})
        get_filename_component(name ${source} NAME_WE)
        set(target ${folder}_${name})
        add_executable(${target} ${source})
        set_target_properties(${target} PROPERTIES
            OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${folder})
        synod_common(${target} TRUE)
        if(TARGET synod_${folder}_support)
            target_link_libraries(${target} PRIVATE synod_${folder}_support)
        endif()
        synod_link_all(${target})
        foreach(module ${PROGRAMS_LIBS})
            target_link_libraries(${target} PRIVATE PkgConfig::${module})
        endforeach()
    endforeach()
endfunction()

# What every test gets from ctest: where things are, its label, and a bound on its time. The exit
# code 77 means "skipped, the output says why".
function(synod_test_properties test label)
    # What a program needs that is linked with the archive of an instrumented build.
    set(instrumented)
    if(SYNOD_SANITIZE)
        set(instrumented "-fsanitize=${SYNOD_SANITIZE}")
    elseif(SYNOD_COVERAGE)
        set(instrumented "--coverage")
    endif()
    set_tests_properties(${test} PROPERTIES
        LABELS ${label}
        TIMEOUT 300
        SKIP_RETURN_CODE 77
        ENVIRONMENT "SYNOD_BIN=${CMAKE_BINARY_DIR}/synod;SYNOD_SOURCE=${CMAKE_SOURCE_DIR};\
SYNOD_BUILD=${CMAKE_BINARY_DIR};SYNOD_INSTRUMENTED=${instrumented};UBSAN_OPTIONS=print_stacktrace=1;TSAN_OPTIONS=halt_on_error=1")
    if(test STREQUAL "scenario.breaks")
        set_tests_properties(${test} PROPERTIES TIMEOUT 600) # some hundred, each with sweeps
    endif()
    if(label MATCHES "^(loopback|power|package)$")
        # Clusters of real processes, whose timers suffer when two run side by side.
        set_tests_properties(${test} PROPERTIES RESOURCE_LOCK loopback)
    endif()
endfunction()

# tests/FOLDER/.../NAME_test.{c,sh,lua} becomes the test FOLDER....NAME with the label FOLDER.
function(synod_tests)
    synod_support(synod_test_support tests/support LIBS cmocka)

    find_program(LUA_PROGRAM NAMES lua5.4 lua54 lua REQUIRED)
    file(GLOB_RECURSE tests RELATIVE ${CMAKE_SOURCE_DIR}/tests CONFIGURE_DEPENDS
        tests/*_test.c tests/*_test.sh tests/*_test.lua)
    foreach(path ${tests})
        string(REGEX MATCH "^[^/]+" label ${path})
        string(REGEX REPLACE "_test\\.(c|sh|lua)$" "" test ${path})
        string(REPLACE "/" "." test ${test})
        if(path MATCHES "\\.c$")
            synod_c_test(${test} ${path})
        elseif(path MATCHES "\\.sh$")
            add_test(NAME ${test} COMMAND sh ${CMAKE_SOURCE_DIR}/tests/${path})
        else()
            add_test(NAME ${test} COMMAND ${LUA_PROGRAM} ${CMAKE_SOURCE_DIR}/tests/${path})
        endif()
        synod_test_properties(${test} ${label})
    endforeach()

    add_test(NAME tidy COMMAND ${LUA_PROGRAM} ${CMAKE_SOURCE_DIR}/tools/tidy
        --root ${CMAKE_SOURCE_DIR} --build ${CMAKE_BINARY_DIR})
    synod_test_properties(tidy tidy)
endfunction()

# tests/power: the driver of power cuts, the library that undoes unsynced writes, and the program
# once more with the fault hooks, all of which are in the sources of node/.
function(synod_power)
    file(GLOB sources CONFIGURE_DEPENDS tests/power/*.c)
    add_executable(tests_power ${sources})
    set_target_properties(tests_power PROPERTIES
        OUTPUT_NAME power RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    synod_common(tests_power TRUE)
    synod_link_all(tests_power)

    # Loaded into programs with and without sanitizers: has none itself.
    add_library(undo_shim MODULE tests/power/shim/undo_shim.c)
    set_target_properties(undo_shim PROPERTIES
        PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    synod_common(undo_shim TRUE)
    target_compile_options(undo_shim PRIVATE -fno-sanitize=all -fvisibility=default)
    target_link_options(undo_shim PRIVATE -fno-sanitize=all)

    file(GLOB sources CONFIGURE_DEPENDS node/*.c)
    add_executable(synod_faults cli/main.c ${sources})
    set_target_properties(synod_faults PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
    synod_common(synod_faults TRUE)
    target_compile_definitions(synod_faults PRIVATE SYNOD_FAULT_HOOKS=1)
    synod_link_all(synod_faults)
endfunction()

# One cmocka program, build/PRESET/tests/FOLDER_NAME_test.
function(synod_c_test test path)
    string(REPLACE "." "_" target ${test}_test)
    add_executable(${target} ${CMAKE_SOURCE_DIR}/tests/${path})
    set_target_properties(${target} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    synod_common(${target} TRUE)
    # For a test that is started by hand, without the environment of ctest.
    target_compile_definitions(${target} PRIVATE SYNOD_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    if(TARGET synod_test_support)
        target_link_libraries(${target} PRIVATE synod_test_support)
    endif()
    synod_link_all(${target})
    target_link_libraries(${target} PRIVATE PkgConfig::cmocka)
    add_test(NAME ${test} COMMAND ${target})
endfunction()

# Each tests/fuzz/NAME_fuzz.c is a fuzz target: with SYNOD_FUZZ a libFuzzer program fuzz/NAME, else a test
# fuzz.NAME that runs its corpus, tests/data/fuzz/NAME, and changes of it.
function(synod_fuzzers)
    file(GLOB sources CONFIGURE_DEPENDS tests/fuzz/*_fuzz.c)
    foreach(source ${sources})
        get_filename_component(name ${source} NAME_WE)
        string(REGEX REPLACE "_fuzz$" "" name ${name})
        set(target fuzz_${name})
        add_executable(${target} ${source})
        synod_common(${target} TRUE)
        synod_link_all(${target})
        target_link_libraries(${target} PRIVATE PkgConfig::cmocka)
        if(SYNOD_FUZZ)
            set_target_properties(${target} PROPERTIES
                OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
            target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        else()
            target_sources(${target} PRIVATE tests/fuzz/driver/driver.c)
            set_target_properties(${target} PROPERTIES
                RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
            add_test(NAME fuzz.${name}
                COMMAND ${target} ${CMAKE_SOURCE_DIR}/tests/data/fuzz/${name})
            synod_test_properties(fuzz.${name} fuzz)
        endif()
    endforeach()
    if(NOT SYNOD_FUZZ)
        file(GLOB sources CONFIGURE_DEPENDS tests/fuzz/corpus/*.c)
        add_executable(fuzz_corpus ${sources})
        set_target_properties(fuzz_corpus PROPERTIES
            RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
        synod_common(fuzz_corpus TRUE)
        synod_link_all(fuzz_corpus)
        target_link_libraries(fuzz_corpus PRIVATE PkgConfig::cmocka)
    endif()
endfunction()
