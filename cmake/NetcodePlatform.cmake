# Finds cargo, and what it is to build for:
#
#     NETCODE_CARGO, netcode_host       cargo, and what it runs on
#     CARGO_BUILD_TARGET                what cargo is told to build for; empty: this machine
#     netcode_triple                    the same, never empty
#     netcode_static_library, netcode_shared_library, netcode_import_library, netcode_shared_links
#     netcode_soname, netcode_system_libraries

find_program( NETCODE_CARGO cargo HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin" "$ENV{USERPROFILE}/.cargo/bin"
    NO_CMAKE_FIND_ROOT_PATH )
if( NOT NETCODE_CARGO )
    message( FATAL_ERROR "netcode is written in Rust, and cargo was not found. Install Rust 1.85 or later, or set NETCODE_CARGO to the path of cargo." )
endif()

execute_process(
    COMMAND "${NETCODE_CARGO}" --version --verbose
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}"
    OUTPUT_VARIABLE netcode_cargo_version ERROR_VARIABLE netcode_cargo_error RESULT_VARIABLE netcode_cargo_result )
if( NOT netcode_cargo_result EQUAL 0 OR NOT netcode_cargo_version MATCHES "host: ([^\r\n]+)" )
    message( FATAL_ERROR "netcode: ${NETCODE_CARGO} does not work: ${netcode_cargo_result} ${netcode_cargo_error}" )
endif()
set( netcode_host "${CMAKE_MATCH_1}" )

# The processor that the generator or Xcode is told to build for, which CMAKE_SYSTEM_PROCESSOR does not follow; empty if
# none is said.
set( netcode_said_processor )
if( CMAKE_SYSTEM_NAME STREQUAL "Windows" AND CMAKE_GENERATOR_PLATFORM )
    string( REGEX REPLACE ",.*" "" netcode_said_processor "${CMAKE_GENERATOR_PLATFORM}" )   # what follows is a version
    string( REGEX REPLACE "^[Ww][Ii][Nn]32$" "i686" netcode_said_processor "${netcode_said_processor}" )
elseif( APPLE AND CMAKE_OSX_ARCHITECTURES )
    set( netcode_said_processor "${CMAKE_OSX_ARCHITECTURES}" )
endif()

# What Rust calls that which a toolchain file, the generator or Xcode describes; empty if this list does not have it.
function( netcode_guess_triple result )
    string( TOLOWER "${CMAKE_SYSTEM_PROCESSOR}" processor )
    if( netcode_said_processor )
        string( TOLOWER "${netcode_said_processor}" processor )
    endif()
    if( CMAKE_SYSTEM_NAME STREQUAL "Android" AND CMAKE_ANDROID_ARCH_ABI )
        set( arm64-v8a aarch64-linux-android )
        set( armeabi-v7a armv7-linux-androideabi )
        set( x86 i686-linux-android )
        set( x86_64 x86_64-linux-android )
        set( triple "${${CMAKE_ANDROID_ARCH_ABI}}" )
    else()
        if( processor MATCHES "^(aarch64|arm64)$" )
            set( architecture aarch64 )
        elseif( processor MATCHES "^(x86_64|amd64|x64)$" )
            set( architecture x86_64 )
        elseif( processor MATCHES "^i[3-6]86$" )
            set( architecture i686 )
        elseif( processor MATCHES "^(riscv64|powerpc64le|s390x|armv7)" )
            string( REGEX MATCH "^(riscv64|powerpc64le|s390x|armv7)" architecture "${processor}" )
        endif()
        set( triple "" )
        if( architecture )
            if( CMAKE_SYSTEM_NAME STREQUAL "Linux" )
                set( triple "${architecture}-unknown-linux-gnu" )
                if( architecture STREQUAL "armv7" )
                    set( triple "armv7-unknown-linux-gnueabihf" )
                elseif( architecture STREQUAL "riscv64" )
                    set( triple "riscv64gc-unknown-linux-gnu" )
                endif()
                if( "${CMAKE_C_COMPILER} ${CMAKE_C_COMPILER_TARGET}" MATCHES "-musl" )
                    string( REPLACE "-gnu" "-musl" triple "${triple}" )
                endif()
            elseif( CMAKE_SYSTEM_NAME STREQUAL "Windows" AND MSVC )
                set( triple "${architecture}-pc-windows-msvc" )
            elseif( CMAKE_SYSTEM_NAME STREQUAL "Windows" )
                set( triple "${architecture}-pc-windows-gnu" )
            elseif( CMAKE_SYSTEM_NAME STREQUAL "Darwin" )
                set( triple "${architecture}-apple-darwin" )
            elseif( CMAKE_SYSTEM_NAME STREQUAL "iOS" AND architecture STREQUAL "aarch64" )
                set( triple "aarch64-apple-ios" )
            elseif( CMAKE_SYSTEM_NAME STREQUAL "FreeBSD" )
                set( triple "${architecture}-unknown-freebsd" )
            endif()
        endif()
    endif()
    set( ${result} "${triple}" PARENT_SCOPE )
endfunction()

if( NOT DEFINED CARGO_BUILD_TARGET )
    set( CARGO_BUILD_TARGET "$ENV{CARGO_BUILD_TARGET}" CACHE STRING "What cargo builds for (a target triple); empty: what CMake builds for" )
endif()

# Not kept in the cache: what it comes from may change.
if( NOT CARGO_BUILD_TARGET AND ( CMAKE_CROSSCOMPILING OR netcode_said_processor ) )
    netcode_guess_triple( netcode_wanted )
    if( netcode_said_processor AND NOT netcode_wanted )
        message( FATAL_ERROR "netcode: which of Rust's targets is ${CMAKE_SYSTEM_NAME} on \"${netcode_said_processor}\"? Set CARGO_BUILD_TARGET. A library for several processors has to be put together from one build for each." )
    elseif( CMAKE_CROSSCOMPILING OR NOT netcode_wanted STREQUAL netcode_host )
        set( CARGO_BUILD_TARGET "${netcode_wanted}" )
    endif()
endif()

if( CARGO_BUILD_TARGET )
    set( netcode_triple "${CARGO_BUILD_TARGET}" )
elseif( CMAKE_CROSSCOMPILING )
    message( FATAL_ERROR "netcode: when cross compiling, set CARGO_BUILD_TARGET to Rust's name of ${CMAKE_SYSTEM_NAME} on ${CMAKE_SYSTEM_PROCESSOR}, such as aarch64-unknown-linux-gnu." )
else()
    set( netcode_triple "${netcode_host}" )
endif()

# Nothing else tells a compiler for other programs than this machine's, such as one with -m32. What a file of one's own
# describes (.json) does not show in its name.
if( netcode_triple MATCHES "^(s390x|sparcv9|[a-z0-9_]*64[a-z0-9_]*)-" AND NOT netcode_triple MATCHES "^arm64_32-|x32$|_ilp32$" )
    set( netcode_pointer_bytes 8 )
else()
    set( netcode_pointer_bytes 4 )
endif()
if( CMAKE_SIZEOF_VOID_P AND NOT CMAKE_SIZEOF_VOID_P EQUAL netcode_pointer_bytes AND NOT netcode_triple MATCHES "\\.json$" )
    message( FATAL_ERROR "netcode: the C compiler makes programs with pointers of ${CMAKE_SIZEOF_VOID_P} bytes, and ${netcode_triple} has ${netcode_pointer_bytes}. Set CARGO_BUILD_TARGET to Rust's name of what you build for." )
endif()

# ---- names of files ----

set( netcode_static_library libnetcode.a )
set( netcode_import_library )
set( netcode_shared_links )
set( netcode_soname )
set( netcode_system_libraries )
set( netcode_uses_elf OFF )
if( netcode_triple MATCHES "-windows-" )
    set( netcode_shared_library netcode.dll )
    set( netcode_system_libraries ws2_32 userenv ntdll dbghelp bcrypt advapi32 )
    if( netcode_triple MATCHES "-msvc" )
        list( APPEND netcode_system_libraries legacy_stdio_definitions )
        set( netcode_static_library netcode.lib )
        set( netcode_import_library netcode.dll.lib )
    else()
        set( netcode_import_library libnetcode.dll.a )
    endif()
elseif( netcode_triple MATCHES "-apple-" )
    set( netcode_shared_library libnetcode.dylib )
    set( netcode_soname "@rpath/libnetcode.dylib" )
elseif( netcode_triple MATCHES "-android" )
    # Only files whose names end in .so are packed into an APK, and no links.
    set( netcode_uses_elf ON )
    set( netcode_shared_library libnetcode.so )
    set( netcode_soname libnetcode.so )
else()
    set( netcode_uses_elf ON )
    set( netcode_shared_library libnetcode.so.${PROJECT_VERSION} )
    set( netcode_soname libnetcode.so.${PROJECT_VERSION_MAJOR} )
    set( netcode_shared_links ${netcode_soname} libnetcode.so )
    if( netcode_triple MATCHES "-linux-gnu" )
        # Before glibc 2.34 these are not a part of the C library.
        set( netcode_system_libraries pthread dl )
    endif()
endif()
