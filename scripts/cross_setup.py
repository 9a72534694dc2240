"""Gets the tools that cross.py uses: Debian's packages, installed where they must be and unpacked into a cache where
that is enough. No foreign architecture is added to this machine's own package system."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

from cross_targets import CACHE, I686_COMPILER_LIBRARIES, I686_LIBRARIES, KEYRING, LINUX, OLDEST_RUST, RUSTC, SUITE
from cross_targets import SYSROOT, WINDOWS, WINE_PREFIX, WINE_RANDOM

HOST = "amd64"
# The compiler, which runs here, and what of its dependencies is taken, too; each target has its standard library.
COMPILER = f"rustc-web:{HOST}"
COMPILER_PARTS = r"rustc-web|libstd-rust-web-.*|libllvm\d+"
LIBRARY = "libstd-rust-web-dev"
RUST = ".".join(map(str, OLDEST_RUST))
APT = CACHE / "apt"


class Failed(Exception):
    """What could not be had, in words."""


def set_up(targets):
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        print("cross-setup: FAILED: no apt-get and dpkg; it knows Debian's packages only")
        return 1
    CACHE.mkdir(parents=True, exist_ok=True)
    install(targets)
    left = 0
    architectures = [target.debian for target in targets if target.kind == LINUX]
    if architectures:
        try:
            unpack_rust(architectures)
        except Failed as failure:
            left += 1
            print(f"cross-setup: FAILED: {failure}", flush=True)
        I686_LIBRARIES.mkdir(exist_ok=True)
        for library in map(pathlib.Path, I686_COMPILER_LIBRARIES):
            link = I686_LIBRARIES / library.name
            if not link.is_symlink():
                link.symlink_to(library)
    if any(target.kind == WINDOWS for target in targets):
        make_wine_prefix(next(target for target in targets if target.kind == WINDOWS))
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
    """One tree with the compiler for this machine and the standard libraries of all, of the version in Cargo.toml. Each
    package that is in it has left a mark with that version."""
    marks = SYSROOT / "unpacked"
    packages = [COMPILER, *(f"{LIBRARY}:{name}" for name in architectures)]
    wanted = [package for package in packages if not (marks / f"{package}={RUST}").exists()]
    if wanted:
        environment = {**os.environ, "APT_CONFIG": str(private_apt())}
        archives = APT / "archives"
        shutil.rmtree(archives, ignore_errors=True)
        archives.mkdir()
        apt("the lists of packages", ["update"], environment)
        for package in wanted:
            parts = parts_of_compiler(environment) if package == COMPILER else [f"{package}={RUST}.*"]
            apt(f"{package} {RUST}", ["download", *parts], environment, cwd=archives)
            if not any(marks.glob(f"*={RUST}")):
                # Another version's, whose libraries must not lie beside these.
                shutil.rmtree(SYSROOT, ignore_errors=True)
            for archive in archives.glob("*.deb"):
                if subprocess.run(["dpkg", "-x", archive, SYSROOT]).returncode:
                    raise Failed(f"could not unpack {archive}, see above")
                archive.unlink()
            marks.mkdir(parents=True, exist_ok=True)
            (marks / f"{package}={RUST}").touch()
    libraries = f"{SYSROOT}/usr/lib/x86_64-linux-gnu:{SYSROOT}/usr/lib"
    RUSTC.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH="{libraries}" exec "{SYSROOT}/usr/bin/rustc" "$@"\n')
    RUSTC.chmod(0o755)


def apt(what, words, environment, cwd=None):
    if subprocess.run(["apt-get", "-q", *words], env=environment, cwd=cwd).returncode:
        raise Failed(f"could not get {what}, see above")


def parts_of_compiler(environment):
    """Its packages with their versions: which LLVM is among them depends on the version."""
    def asked(*words):
        return subprocess.run(["apt-cache", *words], env=environment, capture_output=True, text=True).stdout

    listed = asked("depends", "--recurse", "--important", f"{COMPILER}={RUST}.*").splitlines()
    parts = [name for name in listed if re.fullmatch(COMPILER_PARTS, name)]
    if not parts:
        there = " ".join(re.findall(r"^[^|]*\| *(\S+)", asked("madison", COMPILER), re.MULTILINE))
        raise Failed(f"Cargo.toml wants Rust {RUST}, and of {COMPILER} Debian's {SUITE} has {there or 'nothing'}")
    return [name if name.startswith("libllvm") else f"{name}={RUST}.*" for name in parts]


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
        # Or it would succeed without the network.
        "APT::Update::Error-Mode": "any",
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
