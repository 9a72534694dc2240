#!/usr/bin/env python3
"""Puts headers, libraries and licences into the plugin: what `make lib` left for the platform it runs on, and with
--library PLACE/FILE=PATH what was built elsewhere. They are not committed."""

import argparse
import pathlib
import platform
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
LIBRARY = pathlib.Path("Source/ThirdParty/NetcodeLibrary")
# All that NetcodeLibrary.Build.cs may ask for, under lib.
PLACES = [
    "Win64/netcode.dll",
    "Win64/netcode.dll.lib",
    "Mac/libnetcode.a",
    "IOS/libnetcode.a",
    "Android/arm64-v8a/libnetcode.a",
    "Android/x86_64/libnetcode.a",
    "Linux/libnetcode.a",
    "LinuxArm64/libnetcode.a",
]
HOSTS = {("Linux", "x86_64"): "Linux", ("Linux", "aarch64"): "LinuxArm64", ("Darwin", "arm64"): "Mac", ("Darwin", "x86_64"): "Mac"}
LICENCES = ["LICENSE-APACHE", "LICENSE-MIT", "packaging/THIRD-PARTY-LICENSES.txt"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=pathlib.Path, required=True, help="what make lib left")
    parser.add_argument("--plugin", type=pathlib.Path, default=ROOT / "bindings" / "unreal" / "Netcode")
    parser.add_argument("--library", action="append", default=[], metavar="PLACE/FILE=PATH")
    options = parser.parse_args()

    files = {f"include/{name}": options.dist / "include" / name for name in ("netcode.h", "netcode.hpp")}
    host = HOSTS.get((platform.system(), platform.machine()))
    if host:
        files[f"lib/{host}/libnetcode.a"] = options.dist / "lib" / "libnetcode.a"
    for library in options.library:
        place, _, path = library.partition("=")
        if place not in PLACES or not path:
            sys.exit(f"{library}: not PLACE/FILE=PATH with one of {', '.join(PLACES)}")
        files[f"lib/{place}"] = pathlib.Path(path)
    files.update({f"licences/{pathlib.Path(name).name}": ROOT / name for name in LICENCES})

    for name, source in files.items():
        target = options.plugin / LIBRARY / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        print(f"{target}")
    missing = [place for place in PLACES if not (options.plugin / LIBRARY / "lib" / place).exists()]
    if missing:
        print(f"not there, so the plugin does not build for it: {', '.join(missing)}")


if __name__ == "__main__":
    main()
