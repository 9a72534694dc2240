#!/usr/bin/env python3
"""Compares the vendored crates with what crates.io has under their checksums, plus the patch beside them."""

import filecmp
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib

VENDOR = pathlib.Path(__file__).resolve().parent.parent / "vendor"
CHECKSUMS = {("poly1305", "0.9.1"): "6e2d0073b297041425c7c3df6eb4792d598a15323fe63346852b092eca02904c"}

# What cargo leaves beside the contents of a crate.
NOT_OF_THE_CRATE = {".cargo-ok"}


def main():
    vendored = {path.name for path in VENDOR.iterdir() if path.is_dir()}
    if vendored != {name for name, _ in CHECKSUMS}:
        sys.exit(f"vendored: {sorted(vendored)} are there, and have no checksum or should be")
    for (name, version), checksum in CHECKSUMS.items():
        with tempfile.TemporaryDirectory() as directory:
            work = pathlib.Path(directory)
            try:
                original = fetch(work, name, version, checksum)
            except subprocess.CalledProcessError as error:
                print(f"SKIPPED: vendored {name}, crates.io cannot be reached: {error.stderr.strip()}", file=sys.stderr)
                continue
            patched = work / "patched"
            shutil.copytree(original, patched, ignore=shutil.ignore_patterns(*NOT_OF_THE_CRATE))
            subprocess.run(["git", "apply", VENDOR / f"{name}.patch"], cwd=patched, check=True)
            differences = sorted(compare(patched, VENDOR / name))
        if differences:
            sys.exit(f"vendored: {name} is not {version} with {name}.patch: {', '.join(differences)}")
        print(f"vendored: {name} is {version} from crates.io with {name}.patch")


def fetch(work, name, version, checksum):
    """Where cargo has unpacked the crate, whose checksum it has compared with the index."""
    (work / "src").mkdir()
    (work / "src/lib.rs").touch()
    manifest = work / "Cargo.toml"
    manifest.write_text(f'[package]\nname = "fetch"\nedition = "2024"\n[dependencies]\n{name} = "={version}"\n')
    run("cargo", "fetch", "--manifest-path", manifest)
    packages = tomllib.loads((work / "Cargo.lock").read_text())["package"]
    if [package["checksum"] for package in packages if package["name"] == name] != [checksum]:
        sys.exit(f"vendored: crates.io has {name} {version} with another checksum than ours")
    metadata = json.loads(run("cargo", "metadata", "--format-version", "1", "--manifest-path", manifest))
    return next(pathlib.Path(package["manifest_path"]).parent for package in metadata["packages"] if package["name"] == name)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def compare(one, other, below=""):
    """The paths that differ, or that only one of two directories has."""
    # Not from what the file system says about files: those were made a moment ago.
    compared = filecmp.dircmp(one, other, ignore=[])
    same, different, troubles = filecmp.cmpfiles(one, other, compared.common_files, shallow=False)
    for name in compared.left_only + compared.right_only + compared.common_funny + different + troubles:
        yield below + name
    for name in compared.common_dirs:
        yield from compare(one / name, other / name, f"{below}{name}/")


if __name__ == "__main__":
    main()
