# What `cmake --install` puts where. Components: `runtime` is what programs need that are linked with the shared
# library, `development` is the rest. The files find each other by relative paths, so the tree can be moved.
# A prefix holds the library of one configuration.

include( GNUInstallDirs )
include( CMakePackageConfigHelpers )

set( netcode_cmake_dir "${CMAKE_INSTALL_LIBDIR}/cmake/netcode" )
set( netcode_files_to_install "${PROJECT_BINARY_DIR}/install" )

# ---- headers, texts ----

install( FILES ${netcode_headers} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development )
install( FILES README.md SECURITY.md docs/limits.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT development )
install( FILES packaging/netcode.3 DESTINATION "${CMAKE_INSTALL_MANDIR}/man3" COMPONENT development )
set( netcode_licences LICENSE-MIT LICENSE-APACHE packaging/THIRD-PARTY-LICENSES.txt )
install( FILES ${netcode_licences} DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT runtime )

# ---- libraries ----

if( "static" IN_LIST netcode_kinds )
    install( FILES "${netcode_library_directory}/${netcode_static_library}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development )
endif()
if( "shared" IN_LIST netcode_kinds )
    if( netcode_import_library )
        set( netcode_shared_dir "${CMAKE_INSTALL_BINDIR}" )
        install( FILES "${netcode_library_directory}/${netcode_import_library}" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development )
    else()
        set( netcode_shared_dir "${CMAKE_INSTALL_LIBDIR}" )
    endif()
    install( FILES "${netcode_library_directory}/${netcode_shared_library}" DESTINATION "${netcode_shared_dir}" COMPONENT runtime )
    foreach( link IN LISTS netcode_shared_links )
        set( component runtime )
        if( link MATCHES "\\.so$" )
            set( component development )
        endif()
        install( FILES "${netcode_library_directory}/${link}" DESTINATION "${netcode_shared_dir}" COMPONENT ${component} )
    endforeach()
endif()

# ---- find_package ----

configure_package_config_file( cmake/netcodeConfig.cmake.in "${netcode_files_to_install}/netcodeConfig.cmake"
    INSTALL_DESTINATION "${netcode_cmake_dir}"
    PATH_VARS CMAKE_INSTALL_INCLUDEDIR )
write_basic_package_version_file( "${netcode_files_to_install}/netcodeConfigVersion.cmake" COMPATIBILITY SameMajorVersion )

# The locations are in a file for each configuration, as those that CMake writes itself: vcpkg relies on that.
set( configuration "$<UPPER_CASE:$<IF:$<STREQUAL:$<CONFIG>,>,noconfig,$<CONFIG>>>" )
set( locations "# Where the libraries of configuration ${configuration} are.\n" )
foreach( kind IN LISTS netcode_kinds )
    set( target netcode::netcode_${kind} )
    set( library_dir "${CMAKE_INSTALL_LIBDIR}" )
    if( kind STREQUAL "shared" )
        set( library_dir "${netcode_shared_dir}" )
    endif()
    file( TO_CMAKE_PATH "${library_dir}/${netcode_${kind}_library}" location )
    if( NOT IS_ABSOLUTE "${location}" )
        set( location "\${_IMPORT_PREFIX}/${location}" )
    endif()
    string( APPEND locations "
set_property( TARGET ${target} APPEND PROPERTY IMPORTED_CONFIGURATIONS ${configuration} )
set_target_properties( ${target} PROPERTIES IMPORTED_LOCATION_${configuration} \"${location}\" )
" )
    if( kind STREQUAL "shared" AND netcode_soname )
        string( APPEND locations "set_target_properties( ${target} PROPERTIES IMPORTED_SONAME_${configuration} \"${netcode_soname}\" )\n" )
    endif()
    if( kind STREQUAL "shared" AND netcode_import_library )
        string( APPEND locations "set_target_properties( ${target} PROPERTIES IMPORTED_IMPLIB_${configuration} \"\${_IMPORT_PREFIX}/${CMAKE_INSTALL_LIBDIR}/${netcode_import_library}\" )\n" )
    endif()
endforeach()
set( locations_file "${netcode_files_to_install}/netcodeTargets-$<LOWER_CASE:${configuration}>.cmake" )
file( GENERATE OUTPUT "${locations_file}" CONTENT "${locations}" )

install(
    FILES
        "${netcode_files_to_install}/netcodeConfig.cmake"
        "${netcode_files_to_install}/netcodeConfigVersion.cmake"
        "${locations_file}"
    DESTINATION "${netcode_cmake_dir}"
    COMPONENT development )

# ---- pkg-config ----

# Without a shared library beside it, whoever links with the static one needs what it needs.
set( netcode_pc_name netcode )
if( "shared" IN_LIST netcode_kinds AND netcode_import_library MATCHES "^(.*)\\.lib$" )
    set( netcode_pc_name "${CMAKE_MATCH_1}" )       # of MSVC, which adds nothing but .lib
endif()
set( netcode_pc_libs )
set( netcode_pc_libs_private )
foreach( library IN LISTS netcode_system_libraries )
    string( APPEND netcode_pc_libs_private " -l${library}" )
endforeach()
if( NOT "shared" IN_LIST netcode_kinds )
    set( netcode_pc_libs "${netcode_pc_libs_private}" )
    set( netcode_pc_libs_private )
endif()

if( IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" )
    set( netcode_pc_prefix "${CMAKE_INSTALL_PREFIX}" )
    set( netcode_pc_libdir "${CMAKE_INSTALL_LIBDIR}" )
else()
    file( RELATIVE_PATH up "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix" )
    string( REGEX REPLACE "/$" "" up "${up}" )
    set( netcode_pc_prefix "\${pcfiledir}/${up}" )
    set( netcode_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}" )
endif()
if( IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}" )
    set( netcode_pc_includedir "${CMAKE_INSTALL_INCLUDEDIR}" )
else()
    set( netcode_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}" )
endif()

configure_file( cmake/netcode.pc.in "${netcode_files_to_install}/netcode.pc" @ONLY )
install( FILES "${netcode_files_to_install}/netcode.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development )
