#!/usr/bin/env python3
"""Runs the tests under AddressSanitizer, valgrind and ThreadSanitizer.

asan      the Rust tests and the C tests, the latter with UndefinedBehaviorSanitizer, too
memcheck  the C tests with the debug library under valgrind
tsan      the threads test, with an instrumented standard library, after a race that it has to find
smoke     what fits into a few minutes of each

A tool that is missing is skipped, and the last lines say so; with SANITIZE_REQUIRE=1 that is a failure. (Miri is not
among them: the toolchains that ship it are not to be had from the package registries.)
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
C_TESTS = ROOT / "c_tests"
HOST = "x86_64-unknown-linux-gnu"
C_FLAGS = ["-std=c99", "-g", "-O1", "-fno-omit-frame-pointer", "-DNETCODE_TEST_ASSERTS=1", f"-I{C_TESTS}"]
TIMEOUT_SECONDS = 1200
MAX_LINES_SHOWN = 100

# The header test builds the generator, with macros that a compiler without sanitizer has to load.
RUST_TESTS_LEFT_OUT = ["the_header_is_up_to_date"]

# Under valgrind: what is left out altogether, and why.
MEMCHECK_LEFT_OUT = {
    "attacks/flood": "which measures a load, for minutes",
    "secrets": "which looks for keys in memory that was never written, too",
    "faults/fork": "whose forked processes exit with what is their parent's to free",
}
# Fewer repetitions for what is twenty times slower.
MEMCHECK_ENVIRONMENT = {"NETCODE_TEST_SEEDS": "2", "NETCODE_TEST_SECONDS": "1"}

# Under AddressSanitizer without its own stack frames: those are elsewhere, so that nothing can wipe what they leave.
ASAN_ON_THE_STACK = ["secrets"]

# Smoke runs: what is left out under AddressSanitizer, and what is run under valgrind.
SMOKE_ASAN_LEFT_OUT = ["attacks/flood", "attacks/sockets"]
SMOKE_MEMCHECK = [
    "alloc", "address", "api", "global", "loopback", "misuse", "overrides", "token",
    "faults/callbacks", "faults/clock", "faults/wall",
]  # fmt: skip

# gcc's ThreadSanitizer runtime is older than rustc's LLVM, which calls these by names of its own.
TSAN_SHIM = """
#include <string.h>
void * __tsan_memset( void * to, int value, size_t bytes ) { return memset( to, value, bytes ); }
void * __tsan_memcpy( void * to, const void * from, size_t bytes ) { return memcpy( to, from, bytes ); }
void * __tsan_memmove( void * to, const void * from, size_t bytes ) { return memmove( to, from, bytes ); }
"""


# What is not allowed: one client in two threads. The sanitizer has to see it, or it proves nothing.
TSAN_RACE = """
#include "netcode.h"
#include <pthread.h>
static void * use( void * client )
{
    int i;
    for ( i = 0; i < 100000; i++ )
        netcode_client_update( (struct netcode_client_t *) client, i );
    return NULL;
}
int main( void )
{
    struct netcode_client_config_t config;
    struct netcode_client_t * client;
    pthread_t thread;
    netcode_init();
    netcode_default_client_config( &config );
    client = netcode_client_create( "127.0.0.1:0", &config, 0.0 );
    if ( !client || pthread_create( &thread, NULL, use, client ) != 0 )
        return 0;
    use( client );
    pthread_join( thread, NULL );
    return 0;
}
"""

class Missing(Exception):
    """A tool that this machine does not have."""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["asan", "memcheck", "tsan", "smoke"])
    parser.add_argument("--target", type=pathlib.Path, required=True, help="where everything is built")
    parser.add_argument("--debug-dist", type=pathlib.Path, help="what make debug-lib left, for valgrind")
    parser.add_argument("--cargo", default="cargo")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="the C tests whose name contains this")
    options = parser.parse_args()
    options.target = options.target.resolve()
    options.target.mkdir(parents=True, exist_ok=True)

    parts = {"asan": [asan_rust, asan_c], "memcheck": [memcheck], "tsan": [tsan], "smoke": [asan_rust, asan_c, memcheck, tsan]}
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    skips = []
    for part in parts[options.what]:
        try:
            for name, ok, seconds, output in part(options):
                counts["passed" if ok else "failed"] += 1
                lines = [line for line in output.strip().splitlines() if line.strip()]
                print(f"{'ok    ' if ok else 'FAILED'} {name:40} {seconds:6.1f} s  {lines[-1] if lines else ''}", flush=True)
                if not ok:
                    print("    | " + "\n    | ".join(lines[-MAX_LINES_SHOWN:]), flush=True)
        except Missing as missing:
            skips.append(f"SKIPPED {part.__name__}: {missing}")
            print(skips[-1], flush=True)
            counts["skipped"] += 1
    required = os.environ.get("SANITIZE_REQUIRE") == "1"
    for skip in skips:
        print(skip + (" (and SANITIZE_REQUIRE is set)" if required else ""))
    print("sanitizers: {passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] or (required and skips) else 0


# ---- AddressSanitizer ----


def asan_rust(options):
    need_nightly(options)
    command = [options.cargo, "+nightly", "test", "--locked", "--target", HOST, "--target-dir", options.target / "asan"]
    # In a smoke run those of the platform and C layers, which have all of the unsafe code.
    command += ["--lib" if options.what == "smoke" else "--tests"]
    command += ["--no-fail-fast", "--"] + [f"--skip={test}" for test in RUST_TESTS_LEFT_OUT]
    yield run("asan: Rust tests", command, {"RUSTFLAGS": "-Zsanitizer=address"}, summary="test result")


def asan_c(options):
    need_nightly(options)
    flags = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    need_compiler(options, flags, "gcc's AddressSanitizer (Debian: gcc, libasan8, libubsan1)")
    library = options.target / "asan" / HOST / "debug" / "libnetcode.a"
    command = [options.cargo, "+nightly", "rustc", "--locked", "--target", HOST, "--target-dir", options.target / "asan"]
    built = run("asan: library", command + ["--lib", "--crate-type", "staticlib"], {"RUSTFLAGS": "-Zsanitizer=address"})
    yield built
    if not built[1]:
        return
    environment = {
        "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
    }
    tests = [test for test in c_tests(options) if options.what != "smoke" or name_of(test) not in SMOKE_ASAN_LEFT_OUT]
    flags += [f"-I{ROOT / 'include'}"]
    on_the_stack = [test for test in tests if name_of(test) in ASAN_ON_THE_STACK]
    tests = [test for test in tests if test not in on_the_stack]
    yield from each_c_test("asan", options, tests, flags, [library], [], environment)
    environment["ASAN_OPTIONS"] += ":detect_stack_use_after_return=0"
    yield from each_c_test("asan", options, on_the_stack, flags, [library], [], environment)


# ---- valgrind ----


def memcheck(options):
    if not shutil.which("valgrind"):
        raise Missing("there is no valgrind (Debian: valgrind)")
    valgrind = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible"]
    valgrind += ["--errors-for-leak-kinds=definite,indirect,possible", "--num-callers=30", "--child-silent-after-fork=yes"]
    tests = [test for test in c_tests(options) if name_of(test) not in MEMCHECK_LEFT_OUT]
    for name, reason in MEMCHECK_LEFT_OUT.items():
        print(f"left out: {name}, {reason}")
    if options.what == "smoke":
        tests = [test for test in tests if name_of(test) in SMOKE_MEMCHECK]
    dist = options.debug_dist.resolve()
    yield from each_c_test("memcheck", options, tests, [f"-I{dist / 'include'}"], [dist / "lib" / "libnetcode.a"], valgrind, MEMCHECK_ENVIRONMENT)


# ---- ThreadSanitizer ----


def tsan(options):
    """The standard library has to be instrumented as well, so it is built here, with the toolchain whose source
    Debian packages. The release of that compiler takes the necessary options only if it is told to."""
    rustc, cargo = pathlib.Path("/usr/bin/rustc"), pathlib.Path("/usr/bin/cargo")
    source = pathlib.Path("/usr/lib/rustlib/src/rust/library")
    if not (rustc.exists() and cargo.exists() and source.exists()):
        raise Missing("there is no rustc with its source (Debian: rustc-web, cargo-web, rust-web-src)")
    flags = ["-fsanitize=thread"]
    need_compiler(options, flags, "gcc's ThreadSanitizer (Debian: gcc, libtsan2)")
    target = options.target / "tsan"
    command = [cargo, "rustc", "--locked", "-Zbuild-std", "--target", HOST, "--target-dir", target]
    environment = {"RUSTC": rustc, "RUSTC_BOOTSTRAP": "1", "RUSTFLAGS": "-Zsanitizer=thread"}
    built = run("tsan: library and its standard library", command + ["--lib", "--crate-type", "staticlib"], environment)
    yield built
    if not built[1]:
        return
    shim = options.target / "tsan_shim.c"
    shim.write_text(TSAN_SHIM)
    libraries = [shim, target / HOST / "debug" / "libnetcode.a"]
    # The sanitizer's memory map does not go with every layout of addresses at random.
    runner = ["setarch", "-R"] if shutil.which("setarch") else []
    environment = {
        "TSAN_OPTIONS": "exitcode=66:second_deadlock_stack=1:history_size=4",
        "NETCODE_TEST_SECONDS": "5" if options.what == "smoke" else "30",
    }
    flags += [f"-I{ROOT / 'include'}"]
    race = options.target / "tsan_race.c"
    race.write_text(TSAN_RACE)
    compiled = run("tsan: a planted race", ["cc", *C_FLAGS, *flags, race, "-o", options.target / "tsan-race", *libraries, "-lm"], {})
    if compiled[1]:
        # The race itself may crash the program later.
        halting = {"TSAN_OPTIONS": environment["TSAN_OPTIONS"] + ":halt_on_error=1"}
        name, _, seconds, output = run(compiled[0], [*runner, options.target / "tsan-race"], halting)
        found = "WARNING: ThreadSanitizer: data race" in output
        compiled = name, found, seconds, "found, as it has to be" if found else output + "\nnot found"
    yield compiled
    yield from each_c_test("tsan", options, [C_TESTS / "threads.c"], flags, libraries, runner, environment)


# ---- what they share ----


def c_tests(options):
    return [test for test in sorted(C_TESTS.glob("**/*.c")) if options.only in name_of(test)]


def name_of(test):
    return test.relative_to(C_TESTS).with_suffix("").as_posix()


def each_c_test(tool, options, tests, flags, libraries, runner, environment):
    def build_and_run(test):
        name = f"{tool}: {name_of(test)}"
        program = options.target / f"{tool}-{name_of(test).replace('/', '-')}"
        compile_command = ["cc", *C_FLAGS, *flags, test, "-o", program, *libraries, "-lm"]
        built = run(name, compile_command, {})
        return run(name, [*runner, program], environment) if built[1] else built

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        yield from pool.map(build_and_run, tests)


def need_nightly(options):
    try:
        done = subprocess.run([options.cargo, "+nightly", "--version"], capture_output=True, check=False)
    except OSError as error:
        raise Missing(f"{options.cargo} does not start") from error
    if done.returncode:
        raise Missing("there is no nightly toolchain (rustup toolchain install nightly)")


def need_compiler(options, flags, what):
    """Not every compiler comes with its sanitizers' libraries."""
    source = options.target / "probe.c"
    source.write_text("int main( void ) { return 0; }\n")
    command = ["cc", *flags, source, "-o", options.target / "probe"]
    if not shutil.which("cc") or subprocess.run(command, capture_output=True, check=False).returncode:
        raise Missing(f"there is no {what}")


def run(name, command, environment, summary=None):
    """Name, success, seconds and output of a command. With a summary, its last line is how often that was printed."""
    start = time.monotonic()
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=ROOT,
            env={**os.environ, **{key: str(value) for key, value in environment.items()}},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        ok, output = done.returncode == 0, done.stdout.decode(errors="replace")
        if not ok:
            output += f"\nexit status {done.returncode}"
    except subprocess.TimeoutExpired as expired:
        ok, output = False, (expired.stdout or b"").decode(errors="replace") + "\ntimed out"
    if ok and summary:
        lines = [line for line in output.splitlines() if summary in line]
        passed = sum(int(line.split(" passed")[0].split()[-1]) for line in lines if " passed" in line)
        output += f"\n{passed} tests in {len(lines)} programs"
    return name, ok, time.monotonic() - start, output


if __name__ == "__main__":
    sys.exit(main())
