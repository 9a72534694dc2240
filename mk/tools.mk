# The Wireshark dissector and netcode-decode. tshark is not on every machine: without it the dissector's tests are
# skipped, and said; with TSHARK_REQUIRE=1 that is a failure.

.PHONY: tools-test tools-recording

tools-test:
	$(CARGO) test --locked --target-dir $(TARGET) -p netcode-decode
	$(PYTHON) tools/test_dissector.py

# Makes the recording in tools/testdata again, after a change in its generator.
tools-recording:
	$(CARGO) run --locked --target-dir $(TARGET) -p netcode-decode --example record -- tools/testdata
