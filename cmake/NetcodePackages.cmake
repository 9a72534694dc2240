# cpack -G DEB makes libnetcode1 and libnetcode-dev; for that, configure with CMAKE_INSTALL_PREFIX=/usr, so that the
# libraries go where Debian has those of this architecture. cpack -G TGZ makes an archive of everything.

set( CPACK_PACKAGE_NAME netcode )
set( CPACK_PACKAGE_VERSION "${PROJECT_VERSION}" )
set( CPACK_PACKAGE_DESCRIPTION_SUMMARY "secure client/server connections over UDP" )
set( CPACK_PACKAGE_CONTACT "netcode maintainers" CACHE STRING "The Maintainer field of packages" )
set( CPACK_RESOURCE_FILE_LICENSE "${PROJECT_SOURCE_DIR}/LICENSE-MIT" )
set( CPACK_GENERATOR TGZ )
set( CPACK_STRIP_FILES OFF )
set( CPACK_COMPONENTS_ALL development )
if( "shared" IN_LIST netcode_kinds )
    list( APPEND CPACK_COMPONENTS_ALL runtime )
endif()

set( CPACK_DEB_COMPONENT_INSTALL ON )
set( CPACK_DEBIAN_FILE_NAME DEB-DEFAULT )
set( CPACK_DEBIAN_PACKAGE_RELEASE 1 )
set( CPACK_DEBIAN_PACKAGE_PRIORITY optional )

set( CPACK_DEBIAN_RUNTIME_PACKAGE_NAME "libnetcode${PROJECT_VERSION_MAJOR}" )
set( CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs )
set( CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON )
set( CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON )
set( CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=" )
set( CPACK_COMPONENT_RUNTIME_DESCRIPTION "The shared library." )

set( CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libnetcode-dev )
set( CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel )
set( CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION "Headers, the static library, and what find_package and pkg-config look for." )
if( "shared" IN_LIST netcode_kinds )
    set( CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
        "${CPACK_DEBIAN_RUNTIME_PACKAGE_NAME} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})" )
endif()

include( CPack )
