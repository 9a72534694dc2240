# Ours in conversation with published peers, over UDP on loopback: see interop/README.md. INTEROP=--write updates
# interop/RESULTS.md, INTEROP='--only TEXT' tries only the cells whose titles contain the text. IPv6 is not on every
# machine: without it its cells are skipped, and said; with INTEROP_REQUIRE_IPV6=1 that is a failure.

.PHONY: interop

interop:
	$(CARGO) run --locked --target-dir $(TARGET) -p netcode-interop -- $(INTEROP)
