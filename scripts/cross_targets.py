"""The targets of cross.py: what each is, what it takes, and where the tools are that cross.py set up."""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess

# Of Debian 12; the standard library of each Linux target comes from there as a package.
SUITE = "bookworm"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "netcode-cross"
# Toolchain of the oldest version that is supported, with the standard libraries of all Linux targets.
SYSROOT = CACHE / "rust"
RUSTC = CACHE / "rustc"
# Toolchain that builds the standard library itself, for all others.
BUILD_STD_BIN = pathlib.Path("/usr/bin")
BUILD_STD_LIBRARY = "library/std/Cargo.toml"
WINE_PREFIX = CACHE / "wine"
# What Wine 8 lacks, and make cross-setup builds.
WINE_RANDOM = WINE_PREFIX / "drive_c/windows/system32/bcryptprimitives.dll"

# The compiler's own libraries for i686. The C library that they lie beside is another build than the one that runs
# programs here (libc6-i386), so the whole directory would not do.
I686_LIBRARIES = CACHE / "i686"
I686_COMPILER_LIBRARIES = ["/usr/i686-linux-gnu/lib/libgcc_s.so.1", "/usr/i686-linux-gnu/lib/libstdc++.so.6"]

LINUX, WINDOWS, CHECKED = "linux", "windows", "checked"


@dataclasses.dataclass(frozen=True)
class Target:
    name: str                   # as TARGETS has it
    triple: str                 # as Rust has it
    kind: str
    about: str
    tools: str = ""             # prefix of the C tools
    debian: str = ""            # architecture whose standard library is downloaded
    packages: tuple = ()        # Debian packages, by command: what is missing is told by its package
    runner: tuple = ()
    link: tuple = ()            # further words for the linker of C programs
    left_out: dict = dataclasses.field(default_factory=dict)    # C tests, and why

    def missing(self):
        """What is to be had before this can run, in words."""
        lacks = [package for command, package in self.packages if not shutil.which(command) and not os.path.exists(command)]
        if self.kind == LINUX:
            needed = [SYSROOT / "usr/lib/rustlib" / self.triple / "lib", RUSTC, I686_LIBRARIES]
            if not all(path.exists() for path in needed) or rust_version(RUSTC) != OLDEST_RUST:
                lacks.append(f"Rust {'.'.join(map(str, OLDEST_RUST))} for it (make cross-setup)")
        elif not build_std_source():
            lacks.append("rust-web-src")
        elif not lacks and rust_version(BUILD_STD_BIN / "rustc") < OLDEST_RUST:
            lacks.append("rustc-web that is recent enough")
        if self.kind == WINDOWS and not WINE_RANDOM.exists():
            lacks.append("Wine prefix (make cross-setup)")
        return lacks

    def environment(self):
        """For cargo."""
        variable = self.triple.replace("-", "_")
        environment = {}
        if self.tools:
            environment[f"CARGO_TARGET_{variable.upper()}_LINKER"] = self.tools + "gcc"
            environment[f"CC_{variable}"] = self.tools + "gcc"
            environment[f"AR_{variable}"] = self.tools + "ar"
        if self.runner:     # an empty one is an error
            environment[f"CARGO_TARGET_{variable.upper()}_RUNNER"] = " ".join(self.runner)
        if self.kind == LINUX:
            environment["RUSTC"] = str(RUSTC)
        else:
            environment["RUSTC_BOOTSTRAP"] = "1"
            environment["RUSTC"] = str(BUILD_STD_BIN / "rustc")
            environment["PATH"] = f"{BUILD_STD_BIN}:{os.environ['PATH']}"
        if self.kind == WINDOWS:
            environment.update(WINEPREFIX=str(WINE_PREFIX), WINEDEBUG="-all", WINEDLLOVERRIDES="mscoree,mshtml=")
        return environment

    def cargo(self):
        if self.kind == LINUX:
            return [os.environ.get("CARGO", "cargo")]
        return [str(BUILD_STD_BIN / "cargo")]

    def build_std(self):
        return [] if self.kind == LINUX else ["-Zbuild-std=std,panic_abort,panic_unwind,test"]


def rust_version(rustc):
    """Major and minor; (0, 0) if it does not run."""
    try:
        said = subprocess.run([rustc, "--version"], capture_output=True, text=True).stdout
    except OSError:
        said = ""
    version = re.match(r"rustc (\d+)\.(\d+)", said)
    return tuple(map(int, version.groups())) if version else (0, 0)


# The version that Cargo.toml promises, which the Linux targets are tested with.
OLDEST_RUST = tuple(
    map(int, re.search(r'^rust-version = "(\d+)\.(\d+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).groups())
)


def build_std_source():
    """The sources of the standard library, where the toolchain looks for them."""
    source = pathlib.Path("/usr/lib/rustlib/src/rust") / BUILD_STD_LIBRARY
    return source if source.exists() else None


def linux(name, triple, about, debian, gnu, qemu, **more):
    tools = f"{gnu}-"
    packages = [(tools + "gcc", f"gcc-{gnu}"), (tools + "g++", f"g++-{gnu}")]
    if qemu:
        packages.append((f"qemu-{qemu}-static", "qemu-user-static"))
        runner = (f"qemu-{qemu}-static", "-L", f"/usr/{gnu}")
    else:
        packages.append(("/lib/ld-linux.so.2", "libc6-i386"))
        runner = ("env", f"LD_LIBRARY_PATH={I686_LIBRARIES}")
    return Target(name, triple, LINUX, about, tools, debian, tuple(packages), runner, **more)


# The emulator has neither sandboxes nor a kernel of its own.
EMULATED = {
    "regressions_system": "which takes sandboxes and network namespaces of the kernel",
    "faults/host": "which takes network namespaces of the kernel",
}
# What a program does with sockets of its own is written for those of Unix; sockets of the library run in faults/clock,
# faults/callbacks_network, the examples and the Rust tests.
ON_WINDOWS = {
    "sockets_binding": "whose own sockets are Unix's",
    "sockets_create_errors": "whose own sockets are Unix's",
    "sockets_datagrams": "whose own sockets are Unix's",
    "attacks/sockets": "whose own sockets are Unix's",
    "regressions_system": "which takes Linux",
    "faults/fork": "which takes Unix",
    "faults/host": "which takes Linux",
    "faults/network": "which takes Linux",
    "faults/wall": "which takes Linux",
}
DEBIAN_RUST = (("/usr/bin/rustc", "rustc-web"), ("/usr/bin/cargo", "cargo-web"))

TARGETS = [
    linux("i686", "i686-unknown-linux-gnu", "32 bits", "i386", "i686-linux-gnu", ""),
    linux("s390x", "s390x-unknown-linux-gnu", "big-endian", "s390x", "s390x-linux-gnu", "s390x", left_out=EMULATED),
    linux("aarch64", "aarch64-unknown-linux-gnu", "64-bit ARM", "arm64", "aarch64-linux-gnu", "aarch64", left_out=EMULATED),
    linux("armv7", "armv7-unknown-linux-gnueabihf", "32-bit ARM", "armhf", "arm-linux-gnueabihf", "arm", left_out=EMULATED),
    Target(
        "windows",
        "x86_64-pc-windows-gnu",
        WINDOWS,
        "under Wine",
        tools="x86_64-w64-mingw32-",
        packages=(
            *DEBIAN_RUST,
            ("x86_64-w64-mingw32-gcc-posix", "gcc-mingw-w64-x86-64-posix"),
            ("x86_64-w64-mingw32-g++-posix", "g++-mingw-w64-x86-64-posix"),
            ("/usr/lib/wine/wine64", "wine64"),
        ),
        runner=("/usr/lib/wine/wine64",),
        # The compiler's own libraries are not beside the programs.
        link=("-static", "-lws2_32", "-luserenv", "-lntdll", "-lbcrypt", "-ladvapi32"),
        left_out=ON_WINDOWS,
    ),
    *(
        Target(name, triple, CHECKED, "type-checked", packages=DEBIAN_RUST)
        for name, triple in [
            ("macos", "aarch64-apple-darwin"),
            ("macos-intel", "x86_64-apple-darwin"),
            ("ios", "aarch64-apple-ios"),
            ("msvc", "x86_64-pc-windows-msvc"),
            ("android", "aarch64-linux-android"),
            ("freebsd", "x86_64-unknown-freebsd"),
        ]
    ),
]
