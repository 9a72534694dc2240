# The C and C++ tests, one for ctest each: c_tests/address.c is the test `address`, c_tests/attacks/replay.c
# `attacks/replay`, cpp_tests/objects.cpp `cpp/objects`. They run with the library that `netcode` is; c_tests/run.py and
# cpp_tests/run.py run them with all of them, in more ways.

set( netcode_test_seconds 300 )

function( netcode_add_test name file )
    string( REPLACE "/" "-" program "${name}" )
    set( target netcode_test_${program} )
    add_executable( ${target} "${file}" )
    target_include_directories( ${target} PRIVATE "${PROJECT_SOURCE_DIR}/c_tests" )
    target_compile_definitions( ${target} PRIVATE NETCODE_TEST_ASSERTS=$<CONFIG:Debug> )
    target_link_libraries( ${target} PRIVATE netcode )
    if( UNIX )
        # Before glibc 2.34 the shared library does not bring them along for tests that start threads.
        target_link_libraries( ${target} PRIVATE m ${netcode_system_libraries} )
    endif()
    set_target_properties( ${target} PROPERTIES
        C_STANDARD 99
        C_EXTENSIONS OFF
        CXX_STANDARD 17
        CXX_EXTENSIONS OFF
        OUTPUT_NAME ${program}
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests" )
    add_test( NAME ${name} COMMAND ${target} )
    set_tests_properties( ${name} PROPERTIES TIMEOUT ${netcode_test_seconds} )
endfunction()

file( GLOB netcode_tests CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/c_tests/*.c" "${PROJECT_SOURCE_DIR}/c_tests/*/*.c" )
if( WIN32 )
    # Their own sockets, processes and namespaces are those of Unix (scripts/cross_targets.py has the same list).
    list( FILTER netcode_tests EXCLUDE REGEX
        "/(sockets_(binding|create_errors|datagrams)|attacks/sockets|regressions_system|faults/(fork|host|network|wall))\\.c$" )
endif()
foreach( file IN LISTS netcode_tests )
    file( RELATIVE_PATH name "${PROJECT_SOURCE_DIR}/c_tests" "${file}" )
    string( REGEX REPLACE "\\.c$" "" name "${name}" )
    netcode_add_test( ${name} "${file}" )
endforeach()

enable_language( CXX )
file( GLOB netcode_tests CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/cpp_tests/*.cpp" )
foreach( file IN LISTS netcode_tests )
    get_filename_component( name "${file}" NAME_WE )
    netcode_add_test( cpp/${name} "${file}" )
endforeach()

find_package( Python3 COMPONENTS Interpreter )
if( Python3_Interpreter_FOUND )
    add_test( NAME header_modes
        COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/c_tests/header_modes.py" "${PROJECT_SOURCE_DIR}/include" )
    set_tests_properties( header_modes PROPERTIES TIMEOUT ${netcode_test_seconds} )
else()
    message( WARNING "netcode: no Python 3, so the test header_modes is missing" )
endif()

if( TARGET netcode_example_client_server )
    add_test( NAME example/client_server COMMAND netcode_example_client_server --seconds 2 )
    set_tests_properties( example/client_server PROPERTIES TIMEOUT ${netcode_test_seconds} )
endif()
if( TARGET netcode_example_echo )
    add_test( NAME example/echo COMMAND netcode_example_echo )
    set_tests_properties( example/echo PROPERTIES TIMEOUT ${netcode_test_seconds} )
endif()
