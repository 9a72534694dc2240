# The conformance vectors (conformance/README.md): our Rust core and the C library are run through the checker, the
# checker is shown to notice what is wrong, and the links of docs/protocol.md are followed.

.PHONY: conformance conformance-update

CONFORMANCE_BUILD = $(TARGET)/conformance
CONFORMANCE_RUST = $(TARGET)/debug/conformance-adapter
CONFORMANCE_FLAGS = -O1 -g -Wall -Wextra -Werror -I$(DIST)/include
CONFORMANCE_LINK = -x none $(DIST)/lib/libnetcode.a -lm
CONFORMANCE_CHECK = $(PYTHON) conformance/check.py

conformance: lib
	$(CARGO) build --locked --target-dir $(TARGET) -p netcode-conformance
	$(TARGET)/debug/conformance-generate --check conformance/vectors
	@mkdir -p $(CONFORMANCE_BUILD)
	$(CC) -std=c99 -Wstrict-prototypes $(CONFORMANCE_FLAGS) conformance/adapter.c -o $(CONFORMANCE_BUILD)/adapter $(CONFORMANCE_LINK)
	g++ -x c++ -std=c++17 $(CONFORMANCE_FLAGS) conformance/adapter.c -o $(CONFORMANCE_BUILD)/adapter-cpp $(CONFORMANCE_LINK)
	$(CONFORMANCE_CHECK) --complete -- $(CONFORMANCE_RUST)
	$(CONFORMANCE_CHECK) --expect-unsupported conformance/unsupported-c.json -- $(CONFORMANCE_BUILD)/adapter
	$(CONFORMANCE_CHECK) --self-test -- $(CONFORMANCE_RUST)
	$(PYTHON) conformance/links.py docs/protocol.md conformance/README.md

# Writes conformance/vectors anew.
conformance-update:
	$(CARGO) run --locked --target-dir $(TARGET) -p netcode-conformance --bin conformance-generate -- conformance/vectors
