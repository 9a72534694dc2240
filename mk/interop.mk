# Ours in conversation with published peers, over UDP on loopback: see interop/README.md. INTEROP=--write updates
# interop/RESULTS.md, INTEROP='--only TEXT' tries only the cells whose titles contain the text.

.PHONY: interop

interop:
	$(CARGO) run --locked --target-dir $(TARGET) -p netcode-interop -- $(INTEROP)
