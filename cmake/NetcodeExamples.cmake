# The programs of examples_c and examples_cpp: each file is one, and each directory is one.

file( GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples_c/*.c" "${PROJECT_SOURCE_DIR}/examples_cpp/*.cpp" )
file( GLOB parts CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples_c/*/*.c" )

set( netcode_examples )
foreach( file IN LISTS files parts )
    get_filename_component( name "${file}" NAME_WE )
    get_filename_component( directory "${file}" DIRECTORY )
    get_filename_component( directory "${directory}" NAME )
    if( NOT directory MATCHES "^examples_c" )
        set( name "${directory}" )
    endif()
    if( NOT name IN_LIST netcode_examples )
        list( APPEND netcode_examples ${name} )
        set( sources_of_${name} )
    endif()
    list( APPEND sources_of_${name} "${file}" )
endforeach()

enable_language( CXX )
foreach( name IN LISTS netcode_examples )
    set( target netcode_example_${name} )
    add_executable( ${target} ${sources_of_${name}} )
    target_link_libraries( ${target} PRIVATE netcode )
    if( UNIX )
        target_link_libraries( ${target} PRIVATE m )
    endif()
    set_target_properties( ${target} PROPERTIES
        C_STANDARD 99
        C_EXTENSIONS OFF
        CXX_STANDARD 17
        CXX_EXTENSIONS OFF
        OUTPUT_NAME ${name}
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/examples" )
endforeach()
