#!/usr/bin/env python3
"""Prints the module definition of netcode.dll, from which linkers for Windows make an import library:

    scripts/module_definition.py > netcode.def
    lib /def:netcode.def /machine:x64 /out:netcode.lib
"""

import pathlib

SYMBOLS = pathlib.Path(__file__).resolve().parent.parent / "packaging" / "symbols.txt"
# The only variable; the rest are functions.
DATA = "netcode_assert_function"


def module_definition():
    names = [line for line in SYMBOLS.read_text().splitlines() if line and not line.startswith("#")]
    exports = [f"    {name} DATA" if name == DATA else f"    {name}" for name in names]
    return "\n".join(["LIBRARY netcode.dll", "EXPORTS", *exports]) + "\n"


if __name__ == "__main__":
    print(module_definition(), end="")
