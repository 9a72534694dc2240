"""Gets the tools that cross.py uses: Debian's packages, installed where they must be and unpacked into a cache where
that is enough. No foreign architecture is added to this machine's own package system."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

from cross_targets import CACHE, I686_COMPILER_LIBRARIES, I686_LIBRARIES, KEYRING, LINUX, RUSTC, SUITE, SYSROOT
from cross_targets import WINDOWS, WINE_PREFIX, WINE_RANDOM

# The compiler, which runs here; without the standard libraries, which each target has.
COMPILER = ["rustc-web", "libstd-rust-web-1.85", "libstd-rust-web-dev", "libllvm19"]
HOST = "amd64"
APT = CACHE / "apt"


def set_up(targets):
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        print("cross-setup: FAILED: no apt-get and dpkg; it knows Debian's packages only")
        return 1
    CACHE.mkdir(parents=True, exist_ok=True)
    install(targets)
    architectures = [target.debian for target in targets if target.kind == LINUX]
    if architectures:
        unpack_rust(architectures)
        I686_LIBRARIES.mkdir(exist_ok=True)
        for library in map(pathlib.Path, I686_COMPILER_LIBRARIES):
            link = I686_LIBRARIES / library.name
            if not link.is_symlink():
                link.symlink_to(library)
    if any(target.kind == WINDOWS for target in targets):
        make_wine_prefix(next(target for target in targets if target.kind == WINDOWS))
    left = 0
    for target in targets:
        lacks = target.missing()
        left += bool(lacks)
        print(f"cross-setup: {target.name}: {'no ' + ', no '.join(lacks) if lacks else 'ready'}")
    return 1 if left else 0


def install(targets):
    """The packages that are not there. This takes root, or sudo that asks for nothing."""
    wanted = {package for target in targets for package in target.missing() if " " not in package}
    if not wanted:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *sorted(wanted)]
    if os.geteuid() != 0:
        command = ["sudo", "-n", *command]
    print("cross-setup:", " ".join(command), flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    update = [*command[: command.index("install")], "-q", "update"]
    if not shutil.which(command[0]) or any(
        subprocess.run(words, env=environment, stdin=subprocess.DEVNULL).returncode for words in (update, command)
    ):
        print("cross-setup: could not install; as root: apt-get update && apt-get install", *sorted(wanted), flush=True)


def unpack_rust(architectures):
    """One tree with the compiler for this machine and the standard libraries of all."""
    wanted = {f"{package}:{HOST}" for package in COMPILER} | {f"libstd-rust-web-dev:{name}" for name in architectures}
    marks = SYSROOT / "unpacked"
    wanted = sorted(package for package in wanted if not (marks / package).exists())
    if wanted:
        environment = {**os.environ, "APT_CONFIG": str(private_apt())}
        archives = APT / "archives"
        archives.mkdir(exist_ok=True)
        subprocess.run(["apt-get", "-q", "update"], env=environment, check=True)
        for package in wanted:
            subprocess.run(["apt-get", "-q", "download", package], env=environment, cwd=archives, check=True)
            for archive in archives.glob("*.deb"):
                subprocess.run(["dpkg", "-x", archive, SYSROOT], check=True)
                archive.unlink()
            marks.mkdir(parents=True, exist_ok=True)
            (marks / package).touch()
    libraries = f"{SYSROOT}/usr/lib/x86_64-linux-gnu:{SYSROOT}/usr/lib"
    RUSTC.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{libraries}" exec "{SYSROOT}/usr/bin/rustc" "$@"\n')
    RUSTC.chmod(0o755)


def mirror():
    """Where this machine's apt gets the suite from: by its lists, or by what it would ask for if it has none yet."""
    listed = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", f"Release: {SUITE}", "Component: main"]
    for site in subprocess.run(listed, capture_output=True, text=True).stdout.split():
        return site
    asked = subprocess.run(["apt-get", "--print-uris", "update"], capture_output=True, text=True).stdout
    site = re.search(rf"'(\S+)/dists/{SUITE}/InRelease'", asked)
    if not site:
        sys.exit(f"cross-setup: FAILED: apt has no source of Debian's {SUITE}")
    return site[1]


def private_apt():
    """The configuration of an apt that has its own lists and knows of no installed package."""
    for directory in (APT / "lists/partial", APT / "cache/archives/partial"):
        directory.mkdir(parents=True, exist_ok=True)
    (APT / "status").touch()
    (APT / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror()} {SUITE} main\n")
    settings = {
        "Dir::State": APT,
        "Dir::State::status": APT / "status",
        "Dir::Cache": APT / "cache",
        "Dir::Etc::sourcelist": APT / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "APT::Architecture": HOST,
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
    }
    lines = [f'{name} "{value}";' for name, value in settings.items()]
    lines.append('APT::Architectures { "amd64"; "i386"; "s390x"; "arm64"; "armhf"; };')
    configuration = APT / "apt.conf"
    configuration.write_text("\n".join(lines) + "\n")
    return configuration


# Wine 8 lacks this library, with the one function of it that Rust programs take their random numbers from.
PROCESS_PRNG = """
#define SystemFunction036 other
#include <windows.h>
#undef SystemFunction036
BOOLEAN WINAPI SystemFunction036( void *, ULONG );
__declspec( dllexport ) BOOL WINAPI ProcessPrng( PBYTE data, SIZE_T bytes );
BOOL WINAPI ProcessPrng( PBYTE data, SIZE_T bytes ) { return SystemFunction036( data, (ULONG) bytes ); }
"""


def make_wine_prefix(target):
    compiler, wine = shutil.which(target.tools + "gcc-posix"), pathlib.Path(target.runner[0])
    if not compiler or not wine.exists() or WINE_RANDOM.exists():
        return
    environment = {**os.environ, **target.environment()}
    subprocess.run([wine, "wineboot", "--init"], env=environment, stdin=subprocess.DEVNULL, check=True, timeout=300)
    source = CACHE / "bcryptprimitives.c"
    source.write_text(PROCESS_PRNG)
    subprocess.run([compiler, "-shared", source, "-o", WINE_RANDOM, "-ladvapi32"], check=True)
