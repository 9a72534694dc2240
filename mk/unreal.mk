# The Unreal plugin. The engine is not needed, and not used: bindings/unreal/README.md says what that leaves untried.

.PHONY: unreal-test unreal-smoke unreal-package

UNREAL_TESTS = $(PYTHON) bindings/unreal/tests/run.py --dist $(DIST) --debug-dist $(TARGET)/debug-dist --build $(TARGET)/unreal \
	$(if $(UNREAL_REQUIRE),--require)

# UNREAL_ONLY=FILTER picks the jobs whose name contains it. What a machine does not have is skipped, and said; with
# UNREAL_REQUIRE=1 that is a failure.
unreal-test: lib debug-lib
	$(UNREAL_TESTS) $(if $(UNREAL_ONLY),"$(UNREAL_ONLY)")

# The core and the module with one compiler each, and what the files say of each other and of the library.
unreal-smoke: lib debug-lib
	$(UNREAL_TESTS) "core (g++ c++17, static)" "module (g++ c++20, PLATFORM_WINDOWS=1)" "no variables of the library" \
		"Netcode.uplugin" "files that Build.cs names" "what has not been compiled says so" "docs/engines/unreal.md"

# Puts headers, licences and the library of this machine into bindings/unreal/Netcode.
# UNREAL_LIBRARIES="PLACE/FILE=PATH ..." adds those of other platforms.
unreal-package: lib
	$(PYTHON) bindings/unreal/tools/package.py --dist $(DIST) $(foreach library,$(UNREAL_LIBRARIES),--library $(library))
