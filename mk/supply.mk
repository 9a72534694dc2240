.PHONY: supply-test vendor-test

# What is in vendor is what crates.io has and a patch, and passes its own tests: by the processor, and where it has
# AVX2, that implementation against the plain one.
vendor-test: VENDOR_TEST = $(CARGO) test -q --locked --target-dir $(TARGET)/vendor --manifest-path vendor/poly1305/Cargo.toml
vendor-test:
	$(PYTHON) scripts/vendored.py
	$(VENDOR_TEST)
	if grep -qw avx2 /proc/cpuinfo 2>/dev/null; then RUSTFLAGS=-Ctarget-feature=+avx2 $(VENDOR_TEST); fi

# Licences, sources, duplicate versions and, where their database can be reached, advisories of everything
# the library is built from. cargo-deny is not on every machine: `cargo install cargo-deny --locked`.
supply-test:
	@if ! $(CARGO) deny --version >/dev/null 2>&1; then \
		echo "SKIPPED: supply-test, no cargo-deny (cargo install cargo-deny --locked)" >&2; \
		test -z "$(SUPPLY_REQUIRE)"; \
	else \
		$(CARGO) deny --locked --offline --exclude-dev check bans licenses sources && \
		if $(CARGO) deny fetch db >/dev/null 2>&1; then \
			$(CARGO) deny --locked --exclude-dev check --disable-fetch advisories; \
		else \
			echo "SKIPPED: advisories, whose database cannot be reached" >&2; \
		fi; \
	fi
