#!/usr/bin/env python3
"""Builds the library for other platforms and runs the tests there.

    cross.py setup [TARGET...]      gets what is missing, into a cache outside of the tree (Debian 12)
    cross.py test [TARGET...]       the Rust tests, then the C tests with the static and the shared library
    cross.py smoke                  the same for what is quick, with the static library only

A target whose tools are missing is skipped, and the last lines say what it lacks; with CROSS_REQUIRE=1 that is a
failure. The last line counts tests, and a skipped target as one.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

from cross_setup import set_up
from cross_targets import CHECKED, LINUX, ROOT, TARGETS, WINDOWS
from module_definition import module_definition

SMOKE = ["i686"]
# It runs cargo on this machine, for the header, which has nothing to do with the target.
RUST_TESTS_LEFT_OUT = ["the_header_is_up_to_date"]
# They are large, and only tests use them.
UNOPTIMISED = ["proptest", "regex-syntax", "serde_json", "serde_core", "memchr"]
TIMEOUT_SECONDS = 3600
EXAMPLES = {"client_server": ["client_server.c"], "profile": ["profile.c"], "soak": ["soak/*.c"]}


def main():
    names = [target.name for target in TARGETS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["setup", "test", "smoke"])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"among {' '.join(names)}; all without")
    parser.add_argument("--target-dir", type=pathlib.Path, default=ROOT / "target" / "cross")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="C tests whose name contains it, and no Rust tests")
    options = parser.parse_args()
    wanted = options.targets or (SMOKE if options.command == "smoke" else names)
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        parser.error(f"no such target: {' '.join(unknown)}; there are {' '.join(names)}")
    targets = [target for target in TARGETS if target.name in wanted]
    return set_up(targets) if options.command == "setup" else test(targets, options)


def test(targets, options):
    required = os.environ.get("CROSS_REQUIRE", "0") not in ("", "0")
    total, remarks = Counts(), []
    for target in targets:
        lacks = target.missing()
        if lacks:
            total += Counts(failed=1) if required else Counts(skipped=1)
            remarks.append(f"{'FAILED' if required else 'SKIPPED'}: {target.name} ({target.triple}), no {', no '.join(lacks)}")
            continue
        start = time.monotonic()
        print(f"== {target.name}: {target.triple}, {target.about}", flush=True)
        counts = Bench(target, options).test()
        total += counts
        remarks.append(f"{target.name:8} {time.monotonic() - start:6.0f} s  {counts}")
    if options.command == "smoke":
        left = [target.name for target in TARGETS if target not in targets]
        total += Counts(skipped=len(left))
        remarks.append(f"SKIPPED: {' '.join(left)}, which take longer: make cross-test")
    print("\n" + "\n".join(remarks))
    print(total)
    return 1 if total.failed else 0


class Counts:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __add__(self, other):
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


class Bench:
    """One target, and where its things are built. Each profile has a directory of its own."""

    def __init__(self, target, options):
        self.target, self.options = target, options
        self.home = options.target_dir.resolve() / target.name
        self.environment = {**os.environ, **target.environment()}

    def test(self):
        if self.target.kind == CHECKED:
            # Without ring, which would want a C compiler for the target.
            return self.step("cargo check", self.cargo("check", "debug", "--tests", "--no-default-features"))
        counts = Counts() if self.options.only else self.rust_tests()
        built = self.build()
        counts += built
        return counts if built.failed else counts + self.c_tests()

    def rust_tests(self):
        """Not the ones in documentation, which are compiled for this machine. All vectors, those for other
        implementations included; and unless it is to be quick, again with the cipher that is all Rust."""
        counts = self.rust_tests_with("-p", "netcode", "-p", "netcode-conformance")
        counts += self.step("the conformance vectors", *self.conformance())
        if self.options.command == "smoke":
            return counts
        return counts + self.rust_tests_with("-p", "netcode", "--no-default-features")

    def conformance(self):
        adapter = self.home / "debug" / self.target.triple / "debug" / ("conformance-adapter" + self.suffix())
        yield self.cargo("build", "debug", "-p", "netcode-conformance", "--bin", "conformance-adapter")
        yield [sys.executable, ROOT / "conformance/check.py", "--complete", "--", *self.target.runner, adapter]

    def rust_tests_with(self, *chosen):
        left_out = [word for name in RUST_TESTS_LEFT_OUT for word in ("--skip", name)]
        command = self.cargo("test", "debug", "--lib", "--tests", "--no-fail-fast", *chosen, "--", *left_out)
        ok, output = self.run(command)
        results = re.findall(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored", output)
        passed, failed, ignored = (sum(int(result[i]) for result in results) for i in range(3))
        counts = Counts(passed, failed or int(not ok), ignored + len(RUST_TESTS_LEFT_OUT))
        print(f"{self.target.name}: Rust tests ({' '.join(chosen)}): {counts}", flush=True)
        return counts

    def build(self):
        """The libraries, as C programs get them, and the examples."""
        crate_types = ["--lib", "--crate-type", "staticlib,cdylib"]
        soname = ["--", "-C", "link-arg=-Wl,-soname,libnetcode.so.1"] if self.target.kind == LINUX else []
        release = self.cargo("rustc", "release", "--release", *crate_types, *soname)
        debug = self.cargo("rustc", "debug", *crate_types, *soname)
        counts = self.step("the libraries", release, debug, self.dist("release"), self.dist("debug"), *self.examples())
        if self.target.kind == WINDOWS and not counts.failed:
            counts += self.step("a program with the import library for MSVC", *self.with_import_library())
        return counts

    def dist(self, profile):
        build, dist = self.home / profile / self.target.triple / profile, self.home / f"{profile}-dist"
        if self.target.kind == WINDOWS:
            return lambda: windows_dist(self.target, build, dist)
        tools = {name.upper(): self.target.tools + name for name in ("ar", "ld", "nm", "objcopy")}
        return ["env", *(f"{name}={tool}" for name, tool in tools.items()), ROOT / "scripts/dist.sh", build, dist]

    def suffix(self):
        return ".exe" if self.target.kind == WINDOWS else ""

    def examples(self):
        dist, programs = self.home / "release-dist", self.home / "examples"
        programs.mkdir(parents=True, exist_ok=True)
        for name, patterns in EXAMPLES.items():
            sources = [source for pattern in patterns for source in sorted((ROOT / "examples_c").glob(pattern))]
            yield [
                self.target.tools + "gcc", "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{dist / 'include'}",
                *sources, dist / "lib/libnetcode.a", "-o", programs / (name + self.suffix()), "-lm",
                *self.target.link,
            ]  # fmt: skip

    def with_import_library(self):
        """The release DLL has to lie beside the programs that use it, for this and for the C tests."""
        programs, lib = self.home / "c_tests", self.home / "release-dist/lib"
        programs.mkdir(exist_ok=True)
        shutil.copy(lib / "netcode.dll", programs)
        program = programs / "client_server-msvc.exe"
        source = ROOT / "examples_c/client_server.c"
        yield [
            self.target.tools + "gcc", "-std=c99", f"-I{lib.parent / 'include'}", source, lib / "netcode.lib",
            "-o", program, *self.target.link,
        ]  # fmt: skip
        yield [*self.target.runner, program, "--seconds", "1"]

    def c_tests(self):
        home, target = self.home, self.target
        command = [sys.executable, ROOT / "c_tests/run.py", "--dist", home / "release-dist"]
        command += ["--debug-dist", home / "debug-dist", "--build", home / "c_tests", "--jobs", self.options.jobs]
        command += [f"--cc={target.tools}gcc", f"--cxx={target.tools}g++", f"--runner={' '.join(target.runner)}"]
        command += [f"--link={word}" for word in target.link]
        command += [f"--leave-out={name}={why}" for name, why in target.left_out.items()]
        command += ["--windows"] if target.kind == WINDOWS else []
        chosen = self.options.only or ("(static)" if self.options.command == "smoke" else "")
        ok, output = self.run([*command, *filter(None, [chosen])])
        result = re.search(r"^C tests: (\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", output, re.MULTILINE)
        counts = Counts(*(int(number or 0) for number in result.groups())) if result else Counts()
        return counts if ok or counts.failed else counts + Counts(failed=1)

    def cargo(self, command, profile, *arguments):
        # Everything of a profile is in one directory, and the standard library is built once for each.
        unoptimised = [f"--config=profile.dev.package.{name}.opt-level=0" for name in UNOPTIMISED]
        return [
            *self.target.cargo(), command, "--locked", *unoptimised, *self.target.build_std(), "--target", self.target.triple,
            "--target-dir", self.home / profile, "-j", self.options.jobs, *arguments,
        ]  # fmt: skip

    def step(self, what, *commands):
        """Counts as one test."""
        for command in commands:
            ok, output = command() if callable(command) else self.run(command)
            if not ok:
                print(f"{self.target.name}: FAILED {what}\n{output if callable(command) else ''}", flush=True)
                return Counts(failed=1)
        print(f"{self.target.name}: ok {what}", flush=True)
        return Counts(passed=1)

    def run(self, command):
        """Whether it succeeds, and what it printed, which is shown as it comes."""
        words = [str(word) for word in command]
        print("+", " ".join(words), flush=True)
        lines = []
        with subprocess.Popen(
            words, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:  # fmt: skip
            # With all that it has started, or the output would not end.
            timer = threading.Timer(TIMEOUT_SECONDS, lambda: os.killpg(process.pid, signal.SIGKILL))
            timer.start()
            try:
                for line in process.stdout:
                    lines.append(line.decode(errors="replace"))
                    print(lines[-1], end="", flush=True)
                return process.wait() == 0, "".join(lines)
            finally:
                timer.cancel()
                if process.poll() is None:      # this program is being interrupted
                    os.killpg(process.pid, signal.SIGKILL)


def windows_dist(target, build, dist):
    """Header, static library, DLL, and what linkers take for the latter: MinGW's as it is, MSVC's from the .def."""
    for directory in ("include", "lib"):
        (dist / directory).mkdir(parents=True, exist_ok=True)
    for header in (ROOT / "include").glob("*.h*"):
        shutil.copy(header, dist / "include")
    for name in ("libnetcode.a", "netcode.dll", "libnetcode.dll.a"):
        shutil.copy(build / name, dist / "lib")
    definition = dist / "lib" / "netcode.def"
    definition.write_text(module_definition())
    dlltool = subprocess.run(
        [target.tools + "dlltool", "-d", definition, "-l", dist / "lib/netcode.lib"], capture_output=True, text=True
    )
    return dlltool.returncode == 0, dlltool.stderr


if __name__ == "__main__":
    sys.exit(main())
