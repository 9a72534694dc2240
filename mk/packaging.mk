# Installing, packaging and linking. What a machine does not have is skipped, and said; with PACKAGING_REQUIRE=1 that is
# a failure. CMAKE=path/to/cmake picks another cmake than the one that is found.

.PHONY: cmake-test package-test link-test

# CMakeLists.txt: builds, ctest, installation, projects that use it. CTEST=REGEX picks the C tests.
# CMAKE_DEEP=1 adds a build of the profile relwithdebinfo by cargo, which takes minutes.
cmake-test: lib debug-lib
	$(PYTHON) packaging/cmake_test.py --target $(TARGET) $(if $(CTEST),--ctest "$(CTEST)")

# Debian packages, the vcpkg port, the Conan recipe.
package-test: lib debug-lib
	$(PYTHON) packaging/package_test.py --target $(TARGET)

# The libraries in programs that are linked in all sorts of ways, beside other libraries, and in plugins.
link-test: lib debug-lib
	$(PYTHON) packaging/link_test.py --dist $(DIST) --debug-dist $(TARGET)/debug-dist --build $(TARGET)/link-test
