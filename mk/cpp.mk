# The C++ header and the reference of both headers.

.PHONY: cpp-test docs

# CPP_ONLY=FILTER picks the jobs whose name contains it. What a machine does not have is skipped, and said; with
# CPP_REQUIRE=1 that is a failure.
cpp-test: lib debug-lib
	$(PYTHON) cpp_tests/run.py --dist $(DIST) --debug-dist $(TARGET)/debug-dist --build $(TARGET)/cpp_tests \
		$(if $(CPP_REQUIRE),--require) $(if $(CPP_ONLY),"$(CPP_ONLY)")

# target/docs/html. Fails on anything public without a description.
docs:
	@if command -v doxygen >/dev/null; then \
		mkdir -p $(TARGET)/docs && \
		{ cat docs/Doxyfile; echo "OUTPUT_DIRECTORY = $(TARGET)/docs"; } | doxygen - && \
		echo "docs: $(TARGET)/docs/html/index.html"; \
	elif [ -n "$(DOCS_REQUIRE)" ]; then echo "docs: no doxygen" >&2; exit 1; \
	else echo "SKIPPED: docs, no doxygen (Debian: apt-get install doxygen)" >&2; fi
