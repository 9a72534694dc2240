# Fuzzing (fuzz/README.md). The targets run on the nightly toolchain; their seeds on any.

FUZZ_SECONDS ?= 300

.PHONY: fuzz-smoke fuzz fuzz-seeds fuzz-lock

# Each target for 20 seconds on its seeds; skipped, and says so, where there is no nightly toolchain.
fuzz-smoke:
	$(PYTHON) scripts/fuzz.py smoke --target-dir $(TARGET)/fuzz

# make fuzz FUZZ_SECONDS=3600 FUZZ_TARGETS="api packet_server"
fuzz:
	$(PYTHON) scripts/fuzz.py deep $(FUZZ_TARGETS) --seconds $(FUZZ_SECONDS) --target-dir $(TARGET)/fuzz

# Every committed seed through its target, on the toolchain at hand.
fuzz-seeds:
	cd fuzz && $(CARGO) test --locked --target-dir $(abspath $(TARGET))/fuzz-seeds

# After a change of the library's dependencies.
fuzz-lock:
	cd fuzz && $(CARGO) update --workspace
