"""What the tests of this directory share: steps that are run and printed, and loud skips.

A skip is a failure if PACKAGING_REQUIRE is set.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
CONSUMER = HERE / "consumer"
EXPORTER = HERE / "exporter"
TIMEOUT_SECONDS = 600
MAX_LINES_SHOWN = 60


class Failure(Exception):
    """A step did not go as it should; the text says what was seen."""


class Skip(Exception):
    """The machine lacks something; the text says what."""


class Steps:
    """Counts what passed, failed and was skipped."""

    def __init__(self, title):
        self.title, self.passed, self.failed, self.skipped = title, 0, 0, 0

    def run(self, name, function, *arguments):
        """Runs one step and prints how it went. Returns whether it passed."""
        start = time.monotonic()
        try:
            note, word = function(*arguments) or "", "ok"
        except Skip as skip:
            note, word = str(skip), "SKIPPED"
        except (Failure, subprocess.TimeoutExpired, OSError) as failure:
            note, word = str(failure), "FAILED"
        self.passed += word == "ok"
        self.failed += word == "FAILED"
        self.skipped += word == "SKIPPED"
        lines = note.strip().splitlines() or [""]
        print(f"{word:8}{name:44}{time.monotonic() - start:6.1f} s  {lines[0]}", flush=True)
        if word == "FAILED":
            print("".join(f"    | {line}\n" for line in lines[1:][-MAX_LINES_SHOWN:]), end="", flush=True)
        return word == "ok"

    def exit_status(self):
        print(f"{self.title}: {self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        skips_count = bool(os.environ.get("PACKAGING_REQUIRE"))
        return 1 if self.failed or (self.skipped and skips_count) or not (self.passed or self.skipped) else 0


def run(*command, cwd=None, env=None, succeeds=True):
    """What the command printed. It has to succeed, or to fail if `succeeds` is False."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=cwd,
        env={**os.environ, **{name: str(value) for name, value in (env or {}).items()}},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_SECONDS,
    )
    output = done.stdout.decode(errors="replace")
    if (done.returncode == 0) != succeeds:
        raise Failure(f"exit status {done.returncode}\n$ {' '.join(words)}\n{output}")
    return output


def check(condition, text):
    if not condition:
        raise Failure(text)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"no {program}")


def fresh(directory):
    """The directory, empty."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def venv(directory, *packages):
    """The bin directory of a Python environment with these packages. Skips if pip cannot bring them."""
    binaries = directory / "bin"
    stamp = directory / "installed"
    if not stamp.exists():
        shutil.rmtree(directory, ignore_errors=True)
        try:
            run(sys.executable, "-m", "venv", directory)
            run(binaries / "pip", "install", "--quiet", "--disable-pip-version-check", *packages)
        except Failure as failure:
            raise Skip(f"pip could not install {' and '.join(packages)}: {str(failure).splitlines()[-1]}") from failure
        stamp.write_text("\n".join(packages))
    return binaries


def cmake_and_ninja(target):
    """The environment in which `cmake`, `ctest`, `cpack` and `ninja` are found. $CMAKE names another cmake."""
    path = os.environ["PATH"]
    if os.environ.get("CMAKE"):
        path = f"{pathlib.Path(os.environ['CMAKE']).resolve().parent}{os.pathsep}{path}"
    missing = [name for name in ("cmake", "ninja") if not shutil.which(name, path=path)]
    if missing:
        path = f"{path}{os.pathsep}{venv(target / 'cmake-venv', *missing)}"
    os.environ["PATH"] = path
    return run("cmake", "--version").splitlines()[0]


def compile_and_run(compiler, source, program, *flags, env=None):
    """Compiles a source of the consumer with the flags, runs it, and returns what it printed."""
    run(*compiler, source, "-o", program, *flags)
    return run(program, env=env)


def pkg_config(prefix, *flags):
    need("pkg-config")
    directories = sorted(prefix.glob("**/pkgconfig"))
    check(directories, f"no pkgconfig directory in {prefix}")
    environment = {"PKG_CONFIG_LIBDIR": directories[0], "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS": "1", "PKG_CONFIG_ALLOW_SYSTEM_LIBS": "1"}
    return run("pkg-config", *flags, "netcode", env=environment).split()


def symbols():
    """The exported functions, from the list that the tests hold the libraries to."""
    lines = (HERE / "symbols.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def version():
    for line in (ROOT / "Cargo.toml").read_text().splitlines():
        if line.startswith("version = "):
            return line.split('"')[1]
    raise Failure("no version in Cargo.toml")
