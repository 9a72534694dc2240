# The Unity package. What a machine does not have is skipped, and said; with UNITY_REQUIRE=1 that is a failure.

.PHONY: unity-test unity-debug-test unity-aot-test unity-package unity-generate

# Compiles the package with Mono's C# compiler, and runs its tests with the shared library. ONLY=FILTER picks the tests
# whose name contains it.
unity-test: lib
	$(PYTHON) bindings/unity/Tests~/run.py --dist $(DIST) --build $(TARGET)/unity/test $(if $(UNITY_REQUIRE),--require) $(ONLY)

# The same with assertions, none of which the C# layer may run into.
unity-debug-test: debug-lib
	$(PYTHON) bindings/unity/Tests~/run.py --dist $(TARGET)/debug-dist --build $(TARGET)/unity/debug-test \
		$(if $(UNITY_REQUIRE),--require) $(ONLY)

# The same with everything compiled ahead of time and no compiler at run time, which is what IL2CPP does, too.
unity-aot-test: lib
	$(PYTHON) bindings/unity/Tests~/run.py --dist $(DIST) --build $(TARGET)/unity/test $(if $(UNITY_REQUIRE),--require) --aot $(ONLY)

# Puts the library into bindings/unity/Runtime/Plugins, and makes a tarball for Unity's package manager.
# UNITY_PLUGINS="PLACE=FILE ..." adds those of other platforms.
unity-package: lib
	$(PYTHON) bindings/unity/tools/package.py --dist $(DIST) --out $(TARGET)/unity --in-place \
		$(foreach plugin,$(UNITY_PLUGINS),--plugin $(plugin))

# After a change of netcode.h, or of which files the package has.
unity-generate:
	$(PYTHON) bindings/unity/tools/generate.py include/netcode.h
	$(PYTHON) bindings/unity/tools/metas.py
