"""Conan 2 recipe that builds the sources it lies in:  conan create packaging/conan

Rust 1.85 or later has to be installed; there is no tool package for it to require.
"""

import os
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir

EXPORTED = ["src/*", "include/*", "cmake/*", "docs/*", "scripts/*", "vendor/*", "packaging/netcode.3"]
EXPORTED += ["packaging/THIRD-PARTY-LICENSES.txt", "CMakeLists.txt", "Cargo.toml", "Cargo.lock", "build.rs", "cbindgen.toml"]
EXPORTED += ["README.md", "SECURITY.md", "LICENSE-*"]


class NetcodeRecipe(ConanFile):
    name = "netcode"
    description = "Secure client/server connections over UDP: a drop-in replacement for the netcode C library"
    license = "MIT OR Apache-2.0"
    topics = ("networking", "udp", "gamedev")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False]}
    default_options = {"shared": False, "fPIC": True}
    implements = ["auto_shared_fpic"]
    languages = "C"

    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        for line in load(self, os.path.join(self._root(), "Cargo.toml")).splitlines():
            if line.startswith("version = "):
                self.version = line.split('"')[1]
                return

    def export_sources(self):
        for pattern in EXPORTED + [f"{member}/*" for member in self._members()]:
            copy(self, pattern, self._root(), self.export_sources_folder, excludes=("*/target/*", "*/__pycache__/*"))

    def _members(self):
        """The rest of the workspace: without it, Cargo.lock is not the lock file of what is there."""
        lines = load(self, os.path.join(self._root(), "Cargo.toml")).splitlines()
        members = next(line for line in lines if line.startswith("members = "))
        return [member for member in re.findall('"([^"]+)"', members) if member != "."]

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["NETCODE_BUILD_BOTH"] = False
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        for pattern in ("LICENSE-*", "THIRD-PARTY-LICENSES.txt"):
            for directory in (self.source_folder, os.path.join(self.source_folder, "packaging")):
                copy(self, pattern, directory, os.path.join(self.package_folder, "licenses"))
        CMake(self).install()
        for directory in ("lib/cmake", "lib/pkgconfig", "share"):
            rmdir(self, os.path.join(self.package_folder, *directory.split("/")))

    def package_info(self):
        # Rust's linker for MSVC calls the import library netcode.dll.lib.
        self.cpp_info.libs = ["netcode.dll" if self.options.shared and self.settings.compiler == "msvc" else "netcode"]
        self.cpp_info.set_property("cmake_file_name", "netcode")
        self.cpp_info.set_property("cmake_target_name", "netcode::netcode")
        self.cpp_info.set_property("pkg_config_name", "netcode")
        if self.settings.os in ("Linux", "FreeBSD") and not self.options.shared:
            self.cpp_info.system_libs = ["pthread", "dl"]
        if self.settings.os == "Windows":
            self.cpp_info.system_libs = ["ws2_32", "userenv", "ntdll", "dbghelp", "bcrypt", "advapi32"]
            if self.settings.compiler == "msvc":
                self.cpp_info.system_libs.append("legacy_stdio_definitions")
