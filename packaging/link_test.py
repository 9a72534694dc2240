#!/usr/bin/env python3
"""Links the libraries into programs in all the ways in which programs are made, and runs them.

With each of gcc and clang: as they come and with -static, PIE and no PIE, -flto; in one program with another Rust library,
with libsodium and OpenSSL; and in plugins that a host loads.
"""

import argparse
import pathlib
import sys

from harness import CONSUMER, HERE, Failure, Skip, Steps, check, fresh, need, run, symbols

SOURCES = HERE / "link"
COMPILERS = ["gcc", "clang"]
# What clang's own linker plugin would do, lld does without a plugin.
LTO = {"gcc": ["-flto"], "clang": ["-flto", "-fuse-ld=lld"]}
WAYS = {
    "no PIE": ["-no-pie", "-fno-pie"],
    "PIE": ["-pie", "-fPIE"],
    "static": ["-static"],
    "static PIE": ["-static-pie", "-fPIE"],
    "sections collected": ["-Wl,--gc-sections", "-ffunction-sections"],
    "as needed, all bound": ["-Wl,--as-needed", "-Wl,-z,now,-z,relro", "-Wl,-z,noexecstack", "-Wl,--fatal-warnings"],
    "everything exported": ["-rdynamic"],
    "whole archive": [],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=pathlib.Path, required=True, help="what make lib left")
    parser.add_argument("--debug-dist", type=pathlib.Path, required=True, help="what make debug-lib left")
    parser.add_argument("--build", type=pathlib.Path, required=True, help="where programs are built")
    options = parser.parse_args()
    bench = Bench(options.dist.resolve(), options.debug_dist.resolve(), fresh(options.build.resolve()))
    steps = Steps("links")

    steps.run("names in the archive", bench.names_in_the_archive)
    for compiler in COMPILERS:
        if not steps.run(f"{compiler}: is there", need, compiler):
            continue
        for way, flags in WAYS.items():
            steps.run(f"{compiler}: {way}", bench.plain, compiler, way, flags)
        steps.run(f"{compiler}: no PIE, debug library", bench.plain, compiler, "debug", WAYS["no PIE"], bench.debug_archive)
        for way in ("no PIE", "PIE"):
            steps.run(f"{compiler}: shared library, {way}", bench.shared, compiler, WAYS[way])
        steps.run(f"{compiler}: -flto", bench.lto, compiler, [])
        steps.run(f"{compiler}: -flto -static", bench.lto, compiler, ["-static"])
        steps.run(f"{compiler}: -flto plugin", bench.plugins, compiler, LTO[compiler])
        steps.run(f"{compiler}: C++", bench.cpp, compiler, [])
        steps.run(f"{compiler}: C++, -flto", bench.cpp, compiler, LTO[compiler])
        steps.run(f"{compiler}: plugins", bench.plugins, compiler, [])
        steps.run(f"{compiler}: two Rust libraries", bench.two_rust_libraries, compiler, [])
        steps.run(f"{compiler}: two Rust libraries, -static", bench.two_rust_libraries, compiler, ["-static"])
        steps.run(f"{compiler}: libsodium and OpenSSL", bench.crypto, compiler, [])
        steps.run(f"{compiler}: libsodium and OpenSSL, -static", bench.crypto, compiler, ["-static"])
        steps.run(f"{compiler}: all of that in one, -flto", bench.everything, compiler)
    return steps.exit_status()


class Bench:
    def __init__(self, dist, debug_dist, build):
        self.build, self.include = build, f"-I{dist / 'include'}"
        self.archive, self.debug_archive = dist / "lib" / "libnetcode.a", debug_dist / "lib" / "libnetcode.a"
        self.shared_dir = dist / "lib"

    def link(self, compiler, name, sources, *flags):
        program = self.build / f"{compiler}-{name.replace(' ', '-').replace(',', '')}"
        warnings = ["-O2", "-Wall", "-Wextra", "-Werror"]
        run(compiler, *warnings, self.include, f"-I{CONSUMER}", *sources, "-o", program, *flags)
        return program

    def plain(self, compiler, way, flags, archive=None):
        libraries = [archive or self.archive]
        if way == "whole archive":
            libraries = ["-Wl,--whole-archive", *libraries, "-Wl,--no-whole-archive"]
        program = self.link(compiler, way, [CONSUMER / "main.c"], "-std=c99", *flags, *libraries)
        header = run("readelf", "-hW", program)
        if "PIE" in way:
            check(("DYN" in header) == (way != "no PIE"), header)
        return played(run(program))

    def shared(self, compiler, flags):
        """Also what programs copy out of it: the assert hook is a variable, of which there may be one only."""
        libraries = [f"-L{self.shared_dir}", "-lnetcode", f"-Wl,-rpath,{self.shared_dir}"]
        run(self.link(compiler, "hook", [SOURCES / "hook.c"], *flags, *libraries))
        return played(run(self.link(compiler, "shared", [CONSUMER / "main.c"], *flags, *libraries)))

    def lto(self, compiler, flags):
        sources = [CONSUMER / "main.c"]
        return played(run(self.link(compiler, f"lto{''.join(flags)}", sources, *lto(compiler), *flags, self.archive)))

    def cpp(self, compiler, flags):
        if flags:
            lto(compiler)
        compiler = {"gcc": "g++", "clang": "clang++"}[compiler]
        return played(run(self.link(compiler, f"cpp{''.join(flags)}", [CONSUMER / "main.cpp"], "-std=c++17", *flags, self.archive)))

    def names_in_the_archive(self):
        """Only what the list says; no groups that several libraries have; no bitcode, over which linkers with LTO stumble."""
        for archive in (self.archive, self.debug_archive):
            listing = run("nm", "-g", "--defined-only", archive)
            names = {line.split()[2] for line in listing.splitlines() if len(line.split()) == 3}
            check(names == set(symbols()), f"{archive}: {sorted(names ^ set(symbols()))}")
            groups = run("readelf", "-gW", archive)
            check("COMDAT" not in groups, f"{archive} has groups, which may be dropped in favour of another library's\n{groups}")
            check(".llvmbc" not in run("readelf", "-SW", archive), f"{archive} has bitcode")
        return f"{len(names)} symbols"

    def plugins(self, compiler, flags):
        """A host with the shared library, and two plugins that each have a library of their own inside."""
        if flags:
            lto(compiler)
        suffix = "-lto" if flags else ""
        plugins = []
        for number in (1, 2):
            name = f"plugin{number}{suffix}.so"
            plugin = self.link(compiler, name, [SOURCES / "plugin.c"], f'-DPLUGIN_NAME="plugin {number}"', *flags,
                               "-shared", "-fPIC", "-Wl,--exclude-libs,ALL", "-Wl,--no-undefined", self.archive)
            exported = {line.split()[2] for line in run("nm", "-D", "--defined-only", plugin).splitlines()}
            check(exported == {"plugin_run", "plugin_log_level"}, f"{plugin.name} exports {sorted(exported)}")
            check("TEXTREL" not in run("readelf", "-dW", plugin), f"{plugin.name} has text relocations")
            plugins.append(plugin)
        shared = [f"-L{self.shared_dir}", "-lnetcode", f"-Wl,-rpath,{self.shared_dir}"]
        for kind, libraries in (("shared", shared), ("static", [self.archive])):
            host = self.link(compiler, f"host-{kind}{suffix}", [SOURCES / "host.c"], "-rdynamic", *libraries, "-ldl")
            output = run(host, *plugins)
            check(output.count("came back") == 1 + 2 * len(plugins) and "each its own" in output, output)
        return output.splitlines()[-1]

    def other_library(self, compiler):
        """Another static library in Rust, of the same compiler, so with the same standard library in it."""
        archive = self.build / "libother.a"
        if not archive.exists():
            need("rustc")
            run("rustc", "--edition", "2021", "--crate-type", "staticlib", "-O", "-C", "panic=abort", SOURCES / "other.rs", "-o", archive)
            names = run("readelf", "-sW", archive)
            check("DW.ref.rust_eh_personality" in names, "the other archive lacks what libraries of Rust have in common")
        return archive

    def two_rust_libraries(self, compiler, flags):
        other = self.other_library(compiler)
        for order in ([self.archive, other], [other, self.archive], ["-Wl,--whole-archive", self.archive, "-Wl,--no-whole-archive", other]):
            program = self.link(compiler, f"rust{''.join(flags)}", [SOURCES / "two.c"], "-DWITH_OTHER", *flags, *order, "-lm", "-lpthread", "-ldl")
            played(output := run(program))
            check("the other library counts 3 words" in output, output)
        return "in three orders"

    def crypto_flags(self, static):
        need("pkg-config")
        flags = []
        for package, missing in (("libsodium", "libsodium-dev"), ("libcrypto", "libssl-dev")):
            try:
                flags += run("pkg-config", "--cflags", "--libs", *(["--static"] if static else []), package).split()
            except Failure as failure:
                raise Skip(f"no {package} to develop with (Debian: {missing})") from failure
        return flags

    def crypto(self, compiler, flags):
        libraries = self.crypto_flags(bool(flags))
        for order in ([self.archive, *libraries], [*libraries, self.archive]):
            program = self.link(compiler, f"crypto{''.join(flags)}", [SOURCES / "two.c"], "-DWITH_CRYPTO", *flags, *order)
            played(output := run(program))
            check("libsodium and OpenSSL agree" in output, output)

    def everything(self, compiler):
        libraries = [self.other_library(compiler), *self.crypto_flags(False), self.archive, "-lm", "-lpthread", "-ldl"]
        output = run(self.link(compiler, "everything", [SOURCES / "two.c"], "-DWITH_CRYPTO", "-DWITH_OTHER", *lto(compiler), *libraries))
        check("counts 3 words" in output and "OpenSSL agree" in output, output)
        return played(output)


def lto(compiler):
    flags = LTO["clang" if "clang" in compiler else "gcc"]
    if "-fuse-ld=lld" in flags:
        need("ld.lld")
    return flags


def played(output):
    check("came back" in output, output)
    return ""


if __name__ == "__main__":
    sys.exit(main())
