# The tests on other platforms (docs/building.md). What a machine does not have is skipped, and said; with
# CROSS_REQUIRE=1 that is a failure. TARGETS="i686 s390x" picks; ONLY=FILTER picks the C tests whose name contains it.

.PHONY: cross-setup cross-test cross-smoke

CROSS = $(PYTHON) scripts/cross.py --target-dir $(TARGET)/cross $(if $(ONLY),--only "$(ONLY)")

# Gets the tools, with apt-get, and into a cache outside of this directory.
cross-setup:
	$(CROSS) setup $(TARGETS)

cross-test:
	$(CROSS) test $(TARGETS)

# What is quick, with the tools that are there.
cross-smoke:
	$(CROSS) smoke

# All tests on a host without IPv6, with what replaces ring and recvmmsg.
.PHONY: no-ipv6-test

fallback-test: no-ipv6-test

no-ipv6-test: fallback-lib
	$(PYTHON) scripts/without_ipv6.py $(PYTHON) c_tests/run.py --dist $(TARGET)/fallback/dist \
		--debug-dist $(TARGET)/fallback/dist --build $(TARGET)/fallback/c_tests "(shared)" example
	$(PYTHON) scripts/without_ipv6.py $(CARGO) test --offline --locked --target-dir $(TARGET) --no-default-features
