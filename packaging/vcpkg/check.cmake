# Runs the port without vcpkg: cmake -DWORK=DIRECTORY -DLINKAGE=static|dynamic [-DOPTIONS=...] -P check.cmake
#
# The functions of vcpkg that the port calls are here as its documentation describes them, as far as the port uses
# them. The result is in WORK/packages, in the layout that vcpkg wants.

cmake_minimum_required( VERSION 3.16 )

set( PORT netcode )
set( CURRENT_PORT_DIR "${CMAKE_CURRENT_LIST_DIR}/netcode" )
set( CURRENT_PACKAGES_DIR "${WORK}/packages" )
set( VCPKG_LIBRARY_LINKAGE "${LINKAGE}" )

function( run )
    execute_process( COMMAND ${ARGN} RESULT_VARIABLE result )
    if( NOT result EQUAL 0 )
        message( FATAL_ERROR "failed: ${ARGN}" )
    endif()
endfunction()

function( vcpkg_cmake_configure )
    cmake_parse_arguments( PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS" )
    if( arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCE_PATH )
        message( FATAL_ERROR "vcpkg_cmake_configure: ${arg_UNPARSED_ARGUMENTS}" )
    endif()
    string( COMPARE EQUAL "${VCPKG_LIBRARY_LINKAGE}" dynamic shared )
    foreach( build_type Debug Release )
        set( prefix "${CURRENT_PACKAGES_DIR}" )
        if( build_type STREQUAL "Debug" )
            set( prefix "${CURRENT_PACKAGES_DIR}/debug" )
        endif()
        run( "${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${WORK}/${build_type}" -G Ninja
            "-DCMAKE_BUILD_TYPE=${build_type}" "-DBUILD_SHARED_LIBS=${shared}" "-DCMAKE_INSTALL_PREFIX=${prefix}"
            -DCMAKE_INSTALL_LIBDIR:STRING=lib -DCMAKE_INSTALL_BINDIR:STRING=bin ${arg_OPTIONS} ${OPTIONS} )
    endforeach()
endfunction()

function( vcpkg_cmake_install )
    foreach( build_type Debug Release )
        run( "${CMAKE_COMMAND}" --build "${WORK}/${build_type}" --target install )
    endforeach()
endfunction()

# The files of the debug build join those of the release build, and all move to share/netcode.
function( vcpkg_cmake_config_fixup )
    cmake_parse_arguments( PARSE_ARGV 0 arg "" "PACKAGE_NAME;CONFIG_PATH" "" )
    set( release "${CURRENT_PACKAGES_DIR}/share/${arg_PACKAGE_NAME}" )
    set( debug "${CURRENT_PACKAGES_DIR}/debug/${arg_CONFIG_PATH}" )
    file( MAKE_DIRECTORY "${CURRENT_PACKAGES_DIR}/share" )
    file( RENAME "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}" "${release}" )
    file( GLOB targets "${debug}/*[Tt]argets-debug.cmake" )
    foreach( file IN LISTS targets )
        get_filename_component( name "${file}" NAME )
        file( READ "${file}" text )
        string( REPLACE "\${_IMPORT_PREFIX}" "\${_IMPORT_PREFIX}/debug" text "${text}" )
        file( WRITE "${release}/${name}" "${text}" )
    endforeach()
    file( REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/lib/cmake" "${CURRENT_PACKAGES_DIR}/debug/lib/cmake" )
    file( READ "${release}/netcodeConfig.cmake" text )
    string( REGEX REPLACE
        "get_filename_component\\(PACKAGE_PREFIX_DIR \"\\\${CMAKE_CURRENT_LIST_DIR}/(\\.\\./?)+\" ABSOLUTE\\)"
        "get_filename_component(PACKAGE_PREFIX_DIR \"\${CMAKE_CURRENT_LIST_DIR}/../../\" ABSOLUTE)" text "${text}" )
    file( WRITE "${release}/netcodeConfig.cmake" "${text}" )
endfunction()

function( vcpkg_fixup_pkgconfig )
    file( GLOB files "${CURRENT_PACKAGES_DIR}/lib/pkgconfig/*.pc" "${CURRENT_PACKAGES_DIR}/debug/lib/pkgconfig/*.pc" )
    list( LENGTH files count )
    if( NOT count EQUAL 2 )
        message( FATAL_ERROR "not two .pc files: ${files}" )
    endif()
endfunction()

function( vcpkg_install_copyright )
    cmake_parse_arguments( PARSE_ARGV 0 arg "" "" "FILE_LIST" )
    set( all )
    foreach( file IN LISTS arg_FILE_LIST )
        file( READ "${file}" text )
        string( APPEND all "${text}" )
    endforeach()
    file( WRITE "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright" "${all}" )
endfunction()

include( "${CURRENT_PORT_DIR}/portfile.cmake" )
