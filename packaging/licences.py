#!/usr/bin/env python3
"""Writes THIRD-PARTY-LICENSES.txt: the licences of all that is compiled into the library, on any platform.

    licences.py             writes it; after dependencies have changed
    licences.py --check     fails if it is not what would be written
"""

import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
NOTICES = HERE / "THIRD-PARTY-LICENSES.txt"
INTRODUCTION = """The netcode library has these packages in it; some of them on some platforms only. The Rust standard library, which
is under the MIT licence or the Apache licence 2.0 as you like, comes from the Rust project (https://www.rust-lang.org).
Where a package offers a choice that includes the MIT licence, that is the one given here.
"""


def main():
    packages = compiled_in()
    text = INTRODUCTION + "".join(f"\n    {package['name']} {package['version']} ({package['license']})" for package in packages) + "\n"
    for licence, names in texts(packages).items():
        text += f"\n{'-' * 100}\n{', '.join(names)}\n\n{licence}\n"
    if "--check" not in sys.argv:
        NOTICES.write_text(text)
        print(f"{NOTICES.name}: {len(packages)} packages")
    elif NOTICES.read_text() != text:
        sys.exit(f"{NOTICES.name} is not that of today's dependencies; run packaging/licences.py")
    else:
        print(f"{len(packages)} packages")


def compiled_in():
    """The packages that netcode depends on when it runs, with their dependencies, by name."""
    command = [os.environ.get("CARGO", "cargo"), "metadata", "--locked", "--format-version", "1"]
    metadata = json.loads(subprocess.run(command, cwd=HERE.parent, stdout=subprocess.PIPE, check=True).stdout)
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    root = next(id for id, package in packages.items() if package["name"] == "netcode" and package["source"] is None)
    found, waiting = set(), [root]
    while waiting:
        for dependency in nodes[waiting.pop()]["deps"]:
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if normal and dependency["pkg"] not in found:
                found.add(dependency["pkg"])
                waiting.append(dependency["pkg"])
    return sorted((packages[id] for id in found), key=lambda package: (package["name"], package["version"]))


def texts(packages):
    """Which packages have which text."""
    result = {}
    for package in packages:
        directory = pathlib.Path(package["manifest_path"]).parent
        files = sorted(path for path in directory.iterdir() if path.name.lower().startswith(("licen", "copying")))
        mit = [path for path in files if "mit" in path.name.lower()]
        choice = " OR " in package["license"] or "/" in package["license"]
        chosen = mit if mit and choice else files
        if not chosen:
            note = f"The package has no file with its licence, which is {package['license']}."
            result.setdefault(note, []).append(package["name"])
        for path in chosen:
            result.setdefault(path.read_text().strip(), []).append(package["name"])
    return {text: sorted(set(names)) for text, names in result.items()}


if __name__ == "__main__":
    main()
