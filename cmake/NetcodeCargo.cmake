# The target netcode_cargo, which runs cargo and puts the libraries into a directory of their own:
#
#     netcode_profile                       the profile of the configuration at hand, as cargo names its directory
#     netcode_library_directory             where its libraries are
#     netcode_profile_of( VARIABLE CONFIGURATION ), netcode_library_directory_of( VARIABLE PROFILE )

function( netcode_profile_of variable configuration )
    string( TOLOWER "${configuration}" profile )
    if( NOT profile MATCHES "^(debug|relwithdebinfo)$" )
        set( profile release )
    endif()
    set( ${variable} ${profile} PARENT_SCOPE )
endfunction()

function( netcode_library_directory_of variable profile )
    set( ${variable} "${PROJECT_BINARY_DIR}/dist/${netcode_triple}/${profile}/lib" PARENT_SCOPE )
endfunction()

# Before 3.20, what a command makes cannot depend on the configuration.
set( netcode_follows_configuration OFF )
if( NOT netcode_has_configurations )
    netcode_profile_of( netcode_profile "${CMAKE_BUILD_TYPE}" )
elseif( CMAKE_VERSION VERSION_LESS 3.20 )
    message( WARNING "netcode: before CMake 3.20, all configurations of this generator have the release library" )
    set( netcode_profile release )
else()
    set( netcode_follows_configuration ON )
    set( netcode_profile "$<IF:$<CONFIG:Debug>,debug,$<IF:$<CONFIG:RelWithDebInfo>,relwithdebinfo,release>>" )
endif()
string( REGEX REPLACE "(^|,)debug" "\\1dev" netcode_cargo_profile "${netcode_profile}" )
netcode_library_directory_of( netcode_library_directory "${netcode_profile}" )

# ---- the environment and the flags of cargo ----

# What to build for has been decided, so the environment variable has no say any more.
set( netcode_environment --unset=CARGO_BUILD_TARGET )
set( netcode_target_flag )
set( netcode_built_in "${NETCODE_CARGO_TARGET_DIR}" )
if( CARGO_BUILD_TARGET )
    set( netcode_target_flag --target "${CARGO_BUILD_TARGET}" )
    set( netcode_built_in "${netcode_built_in}/${CARGO_BUILD_TARGET}" )
endif()

set( netcode_linker_flags )
if( netcode_soname AND "shared" IN_LIST netcode_kinds )
    if( netcode_uses_elf )
        set( netcode_linker_flags -C "link-arg=-Wl,-soname,${netcode_soname}" )
    else()
        set( netcode_linker_flags -C "link-arg=-Wl,-install_name,${netcode_soname}" )
    endif()
endif()

# A toolchain file speaks for cargo, too, unless the environment says something else.
if( CMAKE_CROSSCOMPILING AND NOT MSVC AND NOT APPLE )
    string( REPLACE "-" "_" name "${netcode_triple}" )
    string( TOUPPER "${name}" upper_name )
    set( compiler_flags )
    if( CMAKE_C_COMPILER_ID MATCHES "Clang" AND CMAKE_C_COMPILER_TARGET )
        list( APPEND compiler_flags "--target=${CMAKE_C_COMPILER_TARGET}" )
    endif()
    if( CMAKE_SYSROOT )
        list( APPEND compiler_flags "--sysroot=${CMAKE_SYSROOT}" )
    endif()
    foreach( flag IN LISTS compiler_flags )
        list( APPEND netcode_linker_flags -C "link-arg=${flag}" )
    endforeach()
    string( REPLACE ";" " " compiler_flags "${compiler_flags}" )
    set( CARGO_TARGET_${upper_name}_LINKER "${CMAKE_C_COMPILER}" )
    set( CC_${name} "${CMAKE_C_COMPILER}" )
    set( AR_${name} "${CMAKE_AR}" )
    set( CFLAGS_${name} "${compiler_flags}" )
    foreach( variable CARGO_TARGET_${upper_name}_LINKER CC_${name} AR_${name} CFLAGS_${name} )
        if( ${variable} AND NOT DEFINED ENV{${variable}} )
            list( APPEND netcode_environment "${variable}=${${variable}}" )
        endif()
    endforeach()
endif()
if( netcode_linker_flags )
    list( INSERT netcode_linker_flags 0 -- )
endif()

set( netcode_crate_types "${netcode_kinds}" )
string( REPLACE "static" "staticlib" netcode_crate_types "${netcode_crate_types}" )
string( REPLACE "shared" "cdylib" netcode_crate_types "${netcode_crate_types}" )
string( REPLACE ";" "," netcode_crate_types "${netcode_crate_types}" )

# ---- how to put the files together ----

# The script takes the inner symbols of the static library out of sight, with tools that know the target. It makes the
# names that Linux has, so it is not for Android.
set( netcode_tools )
set( netcode_has_script OFF )
if( netcode_triple MATCHES "-android" )
elseif( CMAKE_HOST_UNIX AND netcode_triple STREQUAL netcode_host )
    set( netcode_has_script ON )
elseif( CMAKE_HOST_UNIX AND netcode_uses_elf AND CMAKE_CROSSCOMPILING AND CMAKE_C_COMPILER_ID STREQUAL "GNU" )
    set( netcode_has_script ON )
    set( netcode_tools "${CMAKE_COMMAND}" -E env "LD=${CMAKE_LINKER}" "NM=${CMAKE_NM}" "AR=${CMAKE_AR}" "OBJCOPY=${CMAKE_OBJCOPY}" )
endif()

set( netcode_files )
set( netcode_links )
foreach( kind IN LISTS netcode_kinds )
    list( APPEND netcode_files ${netcode_${kind}_library} )
endforeach()
if( "shared" IN_LIST netcode_kinds )
    list( APPEND netcode_files ${netcode_import_library} )
    list( APPEND netcode_links ${netcode_shared_links} )
endif()

set( netcode_built "${netcode_built_in}/${netcode_profile}" )
if( netcode_has_script )
    get_filename_component( netcode_dist "${netcode_library_directory}" DIRECTORY )
    set( netcode_put_together COMMAND ${netcode_tools} sh scripts/dist.sh "${netcode_built}" "${netcode_dist}" ${netcode_kinds} )
else()
    set( netcode_put_together COMMAND "${CMAKE_COMMAND}" -E make_directory "${netcode_library_directory}" )
    foreach( file IN LISTS netcode_files )
        string( REGEX REPLACE "\\.so\\..*$" ".so" built_file "${file}" )
        list( APPEND netcode_put_together
            COMMAND "${CMAKE_COMMAND}" -E copy "${netcode_built}/${built_file}" "${netcode_library_directory}/${file}" )
    endforeach()
    set( destination "${netcode_shared_library}" )
    foreach( link IN LISTS netcode_links )
        list( APPEND netcode_put_together
            COMMAND "${CMAKE_COMMAND}" -E create_symlink "${destination}" "${netcode_library_directory}/${link}" )
        set( destination "${link}" )
    endforeach()
endif()

# ---- the command ----

file( GLOB_RECURSE netcode_sources CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/src/*.rs" "${PROJECT_SOURCE_DIR}/vendor/*.rs" "${PROJECT_SOURCE_DIR}/vendor/*/Cargo.toml" )
file( GLOB netcode_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/include/*.h" "${PROJECT_SOURCE_DIR}/include/*.hpp" )

set( netcode_outputs ${netcode_files} ${netcode_links} )
list( TRANSFORM netcode_outputs PREPEND "${netcode_library_directory}/" )

add_custom_command(
    OUTPUT ${netcode_outputs}
    COMMAND "${CMAKE_COMMAND}" -E env ${netcode_environment}
            "${NETCODE_CARGO}" rustc --profile "${netcode_cargo_profile}" --locked ${NETCODE_CARGO_FLAGS}
            --target-dir "${NETCODE_CARGO_TARGET_DIR}" ${netcode_target_flag}
            --lib --crate-type "${netcode_crate_types}" ${netcode_linker_flags}
    ${netcode_put_together}
    DEPENDS ${netcode_sources} Cargo.toml Cargo.lock build.rs scripts/dist.sh
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    COMMENT "Building netcode with cargo"
    USES_TERMINAL
    VERBATIM )

if( netcode_is_top OR NETCODE_INSTALL )
    set( netcode_by_default ALL )
else()
    set( netcode_by_default )
endif()
add_custom_target( netcode_cargo ${netcode_by_default} DEPENDS ${netcode_outputs} )
