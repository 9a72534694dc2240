# The tests under AddressSanitizer, valgrind and ThreadSanitizer. What a machine does not have is skipped, and said;
# with SANITIZE_REQUIRE=1 that is a failure. ONLY=FILTER picks the C tests whose name contains it.

.PHONY: asan-test memcheck-test tsan-test sanitize-smoke

SANITIZERS = $(PYTHON) scripts/sanitizers.py --cargo $(CARGO) --target $(TARGET)/sanitizers --only "$(ONLY)"

# All Rust tests and all C tests, with leaks and undefined behaviour in the latter.
asan-test:
	$(SANITIZERS) asan

# The C tests with the debug library.
memcheck-test: debug-lib
	$(SANITIZERS) memcheck --debug-dist $(TARGET)/debug-dist

# Threads, with a standard library that is instrumented, too.
tsan-test:
	$(SANITIZERS) tsan

# What fits into a few minutes of each.
sanitize-smoke: debug-lib
	$(SANITIZERS) smoke --debug-dist $(TARGET)/debug-dist
