# The two commands: make demo, make test. All others are in CONTRIBUTING.md, and by subject in mk/.

CARGO ?= cargo
CC ?= cc
TARGET ?= target
DIST = dist
PYTHON ?= python3

# `lib` among the crate types of a build would turn link-time optimisation off, so these are named here.
CRATE_TYPES = --lib --crate-type staticlib,cdylib
ifeq ($(shell uname -s),Linux)
SONAME = -- -C link-arg=-Wl,-soname,libnetcode.so.1
endif
ifeq ($(shell uname -s),Darwin)
SONAME = -- -C link-arg=-Wl,-install_name,@rpath/libnetcode.dylib
endif

EXAMPLES = client server client_server soak profile
EXAMPLE_FLAGS = -std=c99 -O2 -Wall -Wextra -I$(DIST)/include

.PHONY: demo test lib debug-lib header examples example-programs rust-test c-test fallback-test fallback-lib \
	audit-test instructions \
	instructions-update bench check check-deep lint clean

demo: examples
	$(TARGET)/examples/client_server

# With a bounded part of everything that tries to break the library.
test: rust-test c-test fuzz-seeds audit-test sanitize-smoke supply-test

# dist/include/netcode.h, dist/lib/libnetcode.a, dist/lib/libnetcode.so
lib:
	$(CARGO) rustc --release --locked --target-dir $(TARGET) $(CRATE_TYPES) $(SONAME)
	scripts/dist.sh $(TARGET)/release $(DIST)

# The same with assertions, in target/debug-dist.
debug-lib:
	$(CARGO) rustc --locked --target-dir $(TARGET) $(CRATE_TYPES) $(SONAME)
	scripts/dist.sh $(TARGET)/debug $(TARGET)/debug-dist

# Regenerates include/netcode.h from the sources.
header:
	NETCODE_HEADER=$(CURDIR)/include/netcode.h $(CARGO) check --locked --target-dir $(TARGET) --features header

examples: lib example-programs

example-programs: $(EXAMPLES:%=$(TARGET)/examples/%)

$(TARGET)/examples/%: examples_c/%.c examples_c/common.h $(DIST)/lib/libnetcode.a
	@mkdir -p $(@D)
	$(CC) $(EXAMPLE_FLAGS) $< $(DIST)/lib/libnetcode.a -o $@ -lm

$(TARGET)/examples/soak: $(wildcard examples_c/soak/*) examples_c/common.h $(DIST)/lib/libnetcode.a
	@mkdir -p $(@D)
	$(CC) $(EXAMPLE_FLAGS) $(filter %.c,$^) $(DIST)/lib/libnetcode.a -o $@ -lm

$(DIST)/lib/libnetcode.a: | lib

rust-test:
	$(CARGO) test --locked --target-dir $(TARGET)

c-test: lib debug-lib examples
	$(PYTHON) c_tests/run.py --dist $(DIST) --debug-dist $(TARGET)/debug-dist --build $(TARGET)/c_tests

# The C tests again, with everything that replaces what a system or compiler may not have: no ring, no recvmmsg, no
# AVX2 code in poly1305 and, in mk/cross.mk, no IPv6. Then some of them without ring only, as it is built for users.
fallback-test: fallback-lib
	$(PYTHON) c_tests/run.py --dist $(TARGET)/fallback/dist --debug-dist $(TARGET)/fallback/dist \
		--build $(TARGET)/fallback/c_tests "(static)" example symbols
	$(CARGO) test --locked --target-dir $(TARGET) --no-default-features
	$(CARGO) rustc --release --locked --target-dir $(TARGET)/no-ring --no-default-features --features recvmmsg \
		$(CRATE_TYPES) $(SONAME)
	scripts/dist.sh $(TARGET)/no-ring/release $(TARGET)/no-ring/dist
	$(PYTHON) c_tests/run.py --dist $(TARGET)/no-ring/dist --debug-dist $(TARGET)/no-ring/dist \
		--build $(TARGET)/no-ring/c_tests "token (static)" "loopback (static)" "sockets_datagrams (shared)" "symbols"

fallback-lib:
	RUSTFLAGS='--cfg poly1305_backend="soft"' \
		$(CARGO) rustc --release --locked --target-dir $(TARGET)/fallback --no-default-features $(CRATE_TYPES) $(SONAME)
	scripts/dist.sh $(TARGET)/fallback/release $(TARGET)/fallback/dist
	$(MAKE) -o lib example-programs DIST=$(TARGET)/fallback/dist TARGET=$(TARGET)/fallback

# The tests again, on a library that ends the program when a key seals twice under one nonce.
audit-test:
	$(CARGO) rustc --release --locked --target-dir $(TARGET)/audit --features nonce-audit $(CRATE_TYPES) $(SONAME)
	scripts/dist.sh $(TARGET)/audit/release $(TARGET)/audit/dist
	$(PYTHON) c_tests/run.py --dist $(TARGET)/audit/dist --debug-dist $(TARGET)/audit/dist \
		--build $(TARGET)/audit/c_tests --define NETCODE_TEST_NONCE_AUDIT "(static)"
	$(CARGO) test --locked --target-dir $(TARGET) --features nonce-audit --test '*'
	$(CARGO) test --locked --target-dir $(TARGET) --features nonce-audit --lib audit
	$(CC) $(EXAMPLE_FLAGS) -I$(TARGET)/audit/dist/include examples_c/soak/*.c \
		$(TARGET)/audit/dist/lib/libnetcode.a -o $(TARGET)/audit/soak -lm
	$(TARGET)/audit/soak --heap-may-grow --real-seconds 45
	$(TARGET)/audit/soak --heap-may-grow --real-seconds 15 --sockets

# Instructions executed by the main workloads, against the committed numbers. Needs valgrind.
instructions: lib
	$(PYTHON) benches/instructions.py $(INSTRUCTIONS)

instructions-update: lib
	$(PYTHON) benches/instructions.py $(INSTRUCTIONS) --update

INSTRUCTIONS = --lib $(DIST)/lib/libnetcode.a --include $(DIST)/include --build $(TARGET)/benches

# Ours beside published implementations and, with OTHER=path/to/libnetcode.so, any other library that
# implements netcode.h. Writes docs/benchmarks.
bench: lib
	$(CARGO) run --release --locked --target-dir $(TARGET)/bench -p netcode-bench -- --out docs/benchmarks \
		$(if $(OTHER),--other $(OTHER))

include mk/*.mk

# Everything that a change must pass: a bounded part of all that there is.
check: test lint instructions fallback-test fuzz-smoke supply-test vendor-test conformance interop tools-test \
	cpp-test docs cmake-test link-test package-test unity-test unreal-smoke cross-smoke

# The long runs: DEEP_SECONDS for each fuzz target and each soak.
DEEP_SECONDS ?= 3600

check-deep: check unreal-test unity-debug-test unity-aot-test asan-test memcheck-test tsan-test
	$(MAKE) cmake-test CMAKE_DEEP=1
	$(PYTHON) c_tests/run.py --dist $(DIST) --debug-dist $(TARGET)/debug-dist --build $(TARGET)/c_tests --figures "s/"
	$(MAKE) fuzz FUZZ_SECONDS=$(DEEP_SECONDS)
	$(TARGET)/audit/soak --heap-may-grow --real-seconds $(DEEP_SECONDS)
	$(TARGET)/audit/soak --heap-may-grow --real-seconds $(DEEP_SECONDS) --sockets
	$(TARGET)/examples/soak --real-seconds $(DEEP_SECONDS) --simulator --sockets

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --target-dir $(TARGET) --all-targets --all-features \
		-p netcode -p netcode-bench -p netcode-conformance -p netcode-interop -p netcode-decode -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --target-dir $(TARGET) --no-deps

clean:
	$(CARGO) clean --target-dir $(TARGET)
	rm -rf $(DIST)
