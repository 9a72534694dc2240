.PHONY: supply-test

# Licences, sources, duplicate versions and, where their database can be reached, advisories of everything
# the library is built from. cargo-deny is not on every machine: `cargo install cargo-deny --locked`.
supply-test:
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		$(CARGO) deny --locked --offline --exclude-dev --manifest-path Cargo.toml check bans licenses sources && \
		{ $(CARGO) deny --locked --exclude-dev check advisories || \
			echo "SKIPPED: advisories, whose database cannot be reached" >&2; }; \
	elif [ -n "$(SUPPLY_REQUIRE)" ]; then echo "supply-test: no cargo-deny" >&2; exit 1; \
	else echo "SKIPPED: supply-test, no cargo-deny (cargo install cargo-deny --locked)" >&2; fi
