# An overlay port that builds the sources it lies in:
#
#     vcpkg install netcode --overlay-ports=path/to/netcode/packaging/vcpkg
#
# A port outside of the sources gets them with vcpkg_from_github or vcpkg_from_git instead of the next line.
get_filename_component( SOURCE_PATH "${CURRENT_PORT_DIR}/../../.." ABSOLUTE )

find_program( CARGO cargo HINTS "$ENV{CARGO_HOME}/bin" "$ENV{HOME}/.cargo/bin" "$ENV{USERPROFILE}/.cargo/bin" )
if( NOT CARGO )
    message( FATAL_ERROR "netcode is written in Rust, and vcpkg does not bring Rust: install 1.85 or later (https://rustup.rs). If it is installed, add PATH to VCPKG_KEEP_ENV_VARS." )
endif()

vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        -DNETCODE_BUILD_BOTH=OFF
        -DNETCODE_BUILD_TESTS=OFF
        -DNETCODE_BUILD_EXAMPLES=OFF
        -DNETCODE_INSTALL=ON
        "-DNETCODE_CARGO=${CARGO}" )
vcpkg_cmake_install()
vcpkg_cmake_config_fixup( PACKAGE_NAME netcode CONFIG_PATH lib/cmake/netcode )
vcpkg_fixup_pkgconfig()

file( REMOVE_RECURSE
    "${CURRENT_PACKAGES_DIR}/debug/include"
    "${CURRENT_PACKAGES_DIR}/debug/share"
    "${CURRENT_PACKAGES_DIR}/share/doc"
    "${CURRENT_PACKAGES_DIR}/share/man" )

file( INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}" )
vcpkg_install_copyright( FILE_LIST
    "${SOURCE_PATH}/LICENSE-MIT"
    "${SOURCE_PATH}/LICENSE-APACHE"
    "${SOURCE_PATH}/packaging/THIRD-PARTY-LICENSES.txt" )
