#!/usr/bin/env python3
"""Stands in for cargo where a test only wants to know when CMake calls it and with what.

Writes each call to $FAKE_CARGO_LOG and leaves what $FAKE_CARGO_BUILT has (a cargo target directory) where cargo would.
With $REAL_CARGO, it fails if that would not find a whole package with its lock file in the current directory.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys

WATCHED = ("CARGO_BUILD_TARGET", "CARGO_TARGET_", "CC_", "AR_", "CFLAGS_")


def main():
    arguments = sys.argv[1:]
    if "--version" in arguments:
        print("cargo 1.85.0\nhost: " + os.environ["FAKE_CARGO_HOST"])
        return
    environment = {name: value for name, value in os.environ.items() if name.startswith(WATCHED)}
    with open(os.environ["FAKE_CARGO_LOG"], "a") as log:
        log.write(json.dumps({"arguments": arguments, "environment": environment}) + "\n")

    if "REAL_CARGO" in os.environ:
        metadata = [os.environ["REAL_CARGO"], "metadata", "--locked", "--format-version", "1"]
        subprocess.run(metadata, stdout=subprocess.DEVNULL, check=True)
    profile = arguments[arguments.index("--profile") + 1].replace("dev", "debug")
    out = pathlib.Path(arguments[arguments.index("--target-dir") + 1])
    target = arguments[arguments.index("--target") + 1] if "--target" in arguments else ""
    out /= target
    (out / profile).mkdir(parents=True, exist_ok=True)
    built = pathlib.Path(os.environ["FAKE_CARGO_BUILT"]) / ("debug" if profile == "debug" else "release")
    names = {"libnetcode.a": "libnetcode.a", "libnetcode.so": "libnetcode.so"}
    if target.endswith("-windows-gnu"):
        names = {"libnetcode.a": "libnetcode.a", "netcode.dll": "libnetcode.so", "libnetcode.dll.a": "libnetcode.a"}
    for name, stand_in in names.items():
        shutil.copyfile(built / stand_in, out / profile / name)


main()
