# libsynod, manual pages, completion, and what `make install` puts where. All of it is built with
# `all`, so that the tests see what a user would get.

include(GNUInstallDirs)
set(SYNOD_ZSH_FOLDER ${CMAKE_INSTALL_DATADIR}/zsh/site-functions CACHE STRING
    "Where zsh looks for completions")

# What libsynod is made of: everything but the simulator and the program.
set(SYNOD_LIBRARY_LAYERS base crypto model protocol codec client replica app adapter node)
# What it needs of others, as their pkg-config names; the tests link with these and no more.
set(SYNOD_LIBRARY_NEEDS libuv libssl libcrypto libsodium libcjson inih libisal)

# libsynod.so, and libsynod.a as one object in which only the public names are global: nobody's own
# `map_get` may clash with ours.
function(synod_library)
    set(objects)
    set(layers)
    foreach(layer ${SYNOD_LIBRARY_LAYERS})
        if(NOT TARGET synod_${layer})
            return()
        endif()
        list(APPEND objects $<TARGET_OBJECTS:synod_${layer}>)
        list(APPEND layers synod_${layer})
    endforeach()

    add_library(synod_shared SHARED ${objects})
    set_target_properties(synod_shared PROPERTIES
        OUTPUT_NAME synod VERSION ${PROJECT_VERSION} SOVERSION 0 LINKER_LANGUAGE C
        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
    foreach(module ${SYNOD_LIBRARY_NEEDS})
        target_link_libraries(synod_shared PRIVATE PkgConfig::${module})
    endforeach()
    target_link_libraries(synod_shared PRIVATE m)
    if(NOT SYNOD_SANITIZE)
        target_link_options(synod_shared PRIVATE -Wl,-z,defs)
    endif()

    set(whole ${CMAKE_BINARY_DIR}/lib/synod.o)
    set(archive ${CMAKE_BINARY_DIR}/lib/libsynod.a)
    add_custom_command(OUTPUT ${archive}
        COMMAND ${CMAKE_LINKER} -r -o ${whole} ${objects}
        COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${whole}
        COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
        COMMAND ${CMAKE_AR} rcsD ${archive} ${whole}
        DEPENDS ${objects} ${layers} COMMAND_EXPAND_LISTS VERBATIM
        COMMENT "libsynod.a, of which only the public names are global")
    add_custom_target(synod_static ALL DEPENDS ${archive})

    string(JOIN ", " NEEDS ${SYNOD_LIBRARY_NEEDS})
    configure_file(packaging/synod.pc.in ${CMAKE_BINARY_DIR}/synod.pc @ONLY)
endfunction()

# Manual pages and completion are made of what the program says of itself.
function(synod_manual)
    if(NOT TARGET synod)
        return()
    endif()
    find_program(LUA_PROGRAM NAMES lua5.4 lua54 lua REQUIRED)
    set(stamp ${CMAKE_BINARY_DIR}/manual/done)
    file(GLOB changelog packaging/debian/changelog debian/changelog) # where a package is made: moved
    add_custom_command(OUTPUT ${stamp}
        COMMAND ${LUA_PROGRAM} ${CMAKE_SOURCE_DIR}/tools/manual.lua --synod $<TARGET_FILE:synod>
            --changelog ${changelog} --out ${CMAKE_BINARY_DIR}/manual
        COMMAND ${CMAKE_COMMAND} -E touch ${stamp}
        DEPENDS synod tools/manual.lua ${changelog} VERBATIM COMMENT "Manual pages and completion from the help")
    add_custom_target(synod_manual ALL DEPENDS ${stamp})
endfunction()

function(synod_install)
    if(NOT TARGET synod OR NOT TARGET synod_shared)
        return()
    endif()
    add_custom_target(installed DEPENDS synod synod_shared synod_static synod_manual)
    install(TARGETS synod RUNTIME COMPONENT program)
    install(DIRECTORY ${CMAKE_BINARY_DIR}/manual/man1
        DESTINATION ${CMAKE_INSTALL_MANDIR} COMPONENT program)
    install(FILES ${CMAKE_BINARY_DIR}/manual/synod.bash RENAME synod
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT program)
    install(FILES ${CMAKE_BINARY_DIR}/manual/_synod
        DESTINATION ${SYNOD_ZSH_FOLDER} COMPONENT program)
    install(TARGETS synod_shared
        LIBRARY COMPONENT library NAMELINK_COMPONENT development)
    install(FILES ${CMAKE_BINARY_DIR}/lib/libsynod.a
        DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
    install(DIRECTORY include/synod
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
    install(FILES ${CMAKE_BINARY_DIR}/synod.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endfunction()
