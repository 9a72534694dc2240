#!/usr/bin/env python3
"""Tests CMakeLists.txt: builds, installs, and builds projects that use what was installed.

cargo itself is run once, into the target directory that the Makefile uses, too; the steps that ask when and how CMake
calls cargo have packaging/fake_cargo.py in its place, and a copy of the sources, so that they may touch them. With
$CMAKE_DEEP, cargo also builds the profile relwithdebinfo, for projects that have the sources as a directory.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from harness import CONSUMER, EXPORTER, HERE, ROOT, Failure, Skip, Steps, check, cmake_and_ninja, compile_and_run, fresh, pkg_config, run, version

SOURCES = ["CMakeLists.txt", "CMakePresets.json", "Cargo.toml", "Cargo.lock", "build.rs", "README.md", "SECURITY.md"]
SOURCES += ["LICENSE-MIT", "LICENSE-APACHE", "cmake", "docs", "include", "packaging", "scripts", "src", "examples_c", "examples_cpp", "c_tests", "cpp_tests", "vendor"]
GENERATORS = ["Ninja", "Unix Makefiles"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=pathlib.Path, required=True, help="where make lib and make debug-lib built")
    parser.add_argument("--ctest", default="", help="only the C tests whose name matches")
    options = parser.parse_args()
    target = options.target.resolve()
    steps = Steps("CMake")
    if steps.run("cmake and ninja", cmake_and_ninja, target):
        work = fresh(target / "cmake-test")
        prefix = work / "prefix"
        if steps.run("build with cargo", build, target, work) and steps.run("install", install, work, prefix):
            use_installation(steps, work, prefix)
        steps.run("ctest", ctest, work, options.ctest)
        if os.environ.get("CMAKE_DEEP"):
            for how in ("subdirectory", "fetchcontent"):
                steps.run(f"{how} with cargo, RelWithDebInfo", inner_project_with_cargo, target, work, how)
        fake = Fake(work, target)
        for generator in GENERATORS:
            steps.run(f"rebuilds what changed, {generator}", rebuilds_what_changed, fake, generator)
            for how in ("subdirectory", "fetchcontent"):
                steps.run(f"{how}, {generator}", inner_project, fake, generator, how)
        steps.run("shared inner project", inner_project, fake, "Ninja", "subdirectory", "shared")
        steps.run("sources and an installation", sources_and_installation, fake)
        steps.run("libraries that are exported", exported_libraries, fake)
        steps.run("configurations", configurations, fake)
        steps.run("Ninja Multi-Config", multi_config, fake)
        steps.run("installation of one kind", one_kind, fake)
        steps.run("cross build", cross_build, fake)
        steps.run("toolchain files", toolchain_files, fake)
        steps.run("platforms", platforms, fake)
        steps.run("Android", android, fake)
        steps.run("names of import libraries", import_libraries, fake)
        steps.run("a compiler for other pointers", other_pointers, fake)
        steps.run("presets", presets, fake)
    return steps.exit_status()


# ---- with cargo ----


def build(target, work):
    run("cmake", "-S", ROOT, "-B", work / "build", "-G", "Ninja", f"-DNETCODE_CARGO_TARGET_DIR={target}",
        "-DNETCODE_BUILD_TESTS=ON", "-DNETCODE_BUILD_EXAMPLES=ON", f"-DCMAKE_INSTALL_PREFIX={work / 'nowhere'}")
    run("cmake", "--build", work / "build", "--parallel", "2")
    again = run("cmake", "--build", work / "build")
    if "no work to do" not in again:
        again = run("cmake", "--build", work / "build")  # somebody edited a source while it was built
    check("no work to do" in again, f"the second build did something\n{again}")


def ctest(work, pattern):
    listed = run("ctest", "-N", cwd=work / "build")
    names = set(re.findall(r"Test +#\d+: (\S+)", listed))
    programs = {path.relative_to(ROOT / "c_tests").with_suffix("").as_posix() for path in ROOT.glob("c_tests/**/*.c")}
    programs |= {f"cpp/{path.stem}" for path in ROOT.glob("cpp_tests/*.cpp")}
    wanted = programs | {"header_modes", "example/client_server", "example/echo"}
    check(names == wanted, f"tests that differ: {sorted(names ^ wanted)}")
    output = run("ctest", "--output-on-failure", "--parallel", "2", "-R", pattern, cwd=work / "build")
    return [line for line in output.splitlines() if "tests passed" in line][0]


def cmake_version():
    return tuple(int(part) for part in re.findall(r"\d+", run("cmake", "--version"))[:2])


def install(work, prefix):
    """To another prefix than the one that was configured: the tree finds itself."""
    run("cmake", "--install", work / "build", "--prefix", prefix)
    found = {path.relative_to(prefix).as_posix() for path in prefix.rglob("*") if not path.is_dir()}
    major = version().split(".")[0]
    library_dir = next(iter(prefix.glob("lib*/**/libnetcode.a"))).parent.relative_to(prefix).as_posix()
    wanted = {"include/netcode.h", "share/man/man3/netcode.3"} | {f"include/{path.name}" for path in ROOT.glob("include/*.h*")}
    wanted |= {f"share/doc/netcode/{name}" for name in ("README.md", "SECURITY.md", "limits.md", "LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY-LICENSES.txt")}
    names = ["libnetcode.a", "libnetcode.so", f"libnetcode.so.{major}", f"libnetcode.so.{version()}", "pkgconfig/netcode.pc"]
    names += [f"cmake/netcode/netcode{part}.cmake" for part in ("Config", "ConfigVersion", "Targets-release")]
    wanted |= {f"{library_dir}/{name}" for name in names}
    check(found == wanted, f"files that differ: {sorted(found ^ wanted)}")
    links = {path.name: path.readlink().as_posix() if hasattr(path, "readlink") else "" for path in (prefix / library_dir).iterdir() if path.is_symlink()}
    check(set(links) == {"libnetcode.so", f"libnetcode.so.{major}"}, f"links: {links}")
    dynamic = run("readelf", "-d", prefix / library_dir / f"libnetcode.so.{version()}")
    check(f"[libnetcode.so.{major}]" in dynamic, f"another SONAME\n{dynamic}")
    for path in prefix.rglob("*.cmake"):
        check(str(work) not in path.read_text(), f"{path} names the build directory")
    return f"{len(found)} files"


def inner_project_with_cargo(target, work, how):
    build = fresh(work / "inner-with-cargo")
    run("cmake", "-S", CONSUMER, "-B", build, "-G", "Ninja", f"-DCONSUMER_HOW={how}", f"-DNETCODE_SOURCE={ROOT}",
        "-DCMAKE_BUILD_TYPE=RelWithDebInfo", f"-DNETCODE_CARGO_TARGET_DIR={target}")
    run("cmake", "--build", build)
    for name in ("consumer_c", "consumer_cpp"):
        lines = run("readelf", "--debug-dump=decodedline", build / "bin" / name)
        check("server.rs" in lines, f"{name} has no lines of Rust to step through")
    return run_consumers(build, "static")


# ---- what was installed ----


def use_installation(steps, work, prefix):
    for kind, generator in (("static", "Ninja"), ("shared", "Unix Makefiles"), ("", "Ninja")):
        steps.run(f"find_package {kind or 'by default'}, {generator}", find_package, work, prefix, kind, generator)
    steps.run("find_package, BUILD_SHARED_LIBS", find_package, work, prefix, "", "Ninja", "-DBUILD_SHARED_LIBS=ON")
    for first, kind in (("static", "shared"), ("shared", "static")):
        steps.run(f"find_package {first}, then {kind}", find_package, work, prefix, kind, "Ninja", f"-DCONSUMER_FIRST={first}")
    steps.run("find_package shared, then by default", find_package, work, prefix, "", "Ninja", "-DCONSUMER_FIRST=shared")
    steps.run("find_package of other versions", other_versions, work, prefix)
    for kind in ("static", "shared"):
        for compiler, source in ((["cc", "-std=c99"], "main.c"), (["g++", "-std=c++17"], "main.cpp")):
            steps.run(f"pkg-config {kind}, {compiler[0]}", by_pkg_config, work, prefix, kind, compiler, source)
    moved = work / "moved"
    shutil.copytree(prefix, moved, symlinks=True)
    steps.run("find_package in a moved tree", find_package, work, moved, "shared", "Ninja")


def find_package(work, prefix, kind, generator, *more):
    directory = fresh(work / "consumer")
    run("cmake", "-S", CONSUMER, "-B", directory, "-G", generator, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCONSUMER_KIND={kind}",
        "-DCMAKE_BUILD_TYPE=Release", *more)
    run("cmake", "--build", directory)
    asked = kind or ("shared" if more else "static")
    return run_consumers(directory, asked, prefix)


def run_consumers(directory, kind, prefix=None):
    for name in ("consumer_c", "consumer_cpp"):
        program = directory / "bin" / name
        output = run(program)
        check("came back" in output, output)
        uses_shared(program, kind, prefix)
    return kind


def uses_shared(program, kind, prefix=None, env=None):
    """Holds a program to the kind of library that it was to be linked with, and to where it finds a shared one."""
    loaded = run("ldd", program, env=env)
    match = re.search(r"libnetcode\.so\.\d+ => (\S+)", loaded)
    check(bool(match) == (kind == "shared"), f"{program.name} was not linked with the {kind} library\n{loaded}")
    if match and prefix:
        check(str(prefix) in match.group(1), f"{program.name} uses {match.group(1)}")


def other_versions(work, prefix):
    major, minor, patch = (int(part) for part in version().split("."))
    good = [f"{major}", f"{major}.{minor}.{patch}"] + ([f"{major}.{minor - 1}"] if minor else [])
    bad = [f"{major + 1}", f"{major}.{minor + 1}", f"{major - 1}.0"]
    for wanted in good + bad:
        run("cmake", "-S", CONSUMER, "-B", fresh(work / "version"), "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
            f"-DCONSUMER_VERSION={wanted}", succeeds=wanted in good)
    run("cmake", "-S", CONSUMER, "-B", fresh(work / "version"), "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
        "-DCONSUMER_KIND=framework", succeeds=False)
    return f"found {', '.join(good)}; refused {', '.join(bad)}"


def by_pkg_config(work, prefix, kind, compiler, source):
    program = work / f"pkg-config-{kind}-{source}"
    check(pkg_config(prefix, "--modversion") == [version()], "another version")
    flags = pkg_config(prefix, "--cflags", "--libs", *(["--static"] if kind == "static" else []))
    environment = {}
    if kind == "static":
        flags.append("-static")
    else:
        environment["LD_LIBRARY_PATH"] = next(flag[2:] for flag in flags if flag.startswith("-L"))
    output = compile_and_run(compiler, CONSUMER / source, program, *flags, env=environment)
    check("came back" in output, output)
    if kind == "shared":
        uses_shared(program, kind, env=environment)
    else:
        needs = run("readelf", "-lW", program) + run("readelf", "-dW", program)
        check("INTERP" not in needs and "NEEDED" not in needs, f"not linked statically\n{needs}")
    return " ".join(flags[-3:])


# ---- when and how cargo is called ----


class Fake:
    """A copy of the sources, and a cargo that writes down how it is called."""

    def __init__(self, work, target):
        self.work, self.source, self.log = work, work / "source", work / "cargo.log"
        for name in SOURCES:
            path = ROOT / name
            if path.is_dir():
                shutil.copytree(path, self.source / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                self.source.mkdir(exist_ok=True)
                shutil.copy2(path, self.source / name)
        host = re.search(r"host: (\S+)", run("cargo", "--version", "--verbose")).group(1)
        self.host = host
        self.environment = {"FAKE_CARGO_LOG": self.log, "FAKE_CARGO_BUILT": target, "FAKE_CARGO_HOST": host}

    def configure(self, source, build, generator, *flags, env=None):
        return run("cmake", "-S", source, "-B", fresh(build), "-G", generator, f"-DNETCODE_CARGO={HERE / 'fake_cargo.py'}", *flags,
                   env={**self.environment, **(env or {})})

    def build(self, build, *flags, env=None):
        """The calls of cargo in this build."""
        self.log.write_text("")
        run("cmake", "--build", build, *flags, env={**self.environment, **(env or {})})
        return [json.loads(line) for line in self.log.read_text().splitlines()]


def rebuilds_what_changed(fake, generator):
    build = fake.work / "rebuild"
    fake.configure(fake.source, build, generator)
    check(len(fake.build(build)) == 1, "the first build did not call cargo once")
    check(fake.build(build) == [], "the second build called cargo again")
    archive = next(build.glob("dist/**/libnetcode.a"))
    for name in ("src/lib.rs", "src/client/recent.rs", "Cargo.lock", "vendor/poly1305/src/lib.rs"):
        before = archive.stat().st_mtime_ns
        (fake.source / name).touch()
        check(len(fake.build(build)) == 1, f"a change of {name} went unnoticed")
        check(archive.stat().st_mtime_ns > before, f"the library is the old one after a change of {name}")
        check(fake.build(build) == [], f"after a change of {name}, each build calls cargo")
    new = fake.source / "src" / "new_file.rs"
    new.write_text("// New.\n")
    check(len(fake.build(build)) == 1, "a new source went unnoticed")
    new.unlink()
    fake.build(build)
    (fake.source / "README.md").touch()
    check(fake.build(build) == [], "a change of the README called cargo")
    before = archive.stat().st_mtime_ns
    run("cmake", "-DNETCODE_CARGO_FLAGS=--no-default-features", build, env=fake.environment)
    calls = fake.build(build)
    check(len(calls) == 1 and "--no-default-features" in calls[0]["arguments"], f"other flags went unnoticed: {calls}")
    check(archive.stat().st_mtime_ns > before, "the library is the old one after a change of the flags")
    run("cmake", build, env=fake.environment)
    check(fake.build(build) == [], "without other flags, configuring again calls cargo")


def inner_project(fake, generator, how, kind="static"):
    build = fake.work / "inner"
    fake.configure(CONSUMER, build, generator, f"-DCONSUMER_HOW={how}", f"-DNETCODE_SOURCE={fake.source}",
                   f"-DBUILD_SHARED_LIBS={'ON' if kind == 'shared' else 'OFF'}")
    calls = fake.build(build)
    check(len(calls) == 1, f"{len(calls)} calls of cargo")
    crate = value_after(calls[0]["arguments"], "--crate-type")
    check(crate == {"static": "staticlib", "shared": "cdylib"}[kind], f"an inner project built {crate}")
    check(fake.build(build) == [], "the second build called cargo again")
    (fake.source / "src/lib.rs").touch()
    before = (build / "bin/consumer_c").stat().st_mtime_ns
    fake.build(build)
    check((build / "bin/consumer_c").stat().st_mtime_ns > before or kind == "shared", "the program was not linked again")
    return run_consumers(build, kind, build)


def sources_and_installation(fake):
    """A project that has the sources as a directory keeps to them, whatever else it finds."""
    build, prefix, inner = fake.work / "one", fake.work / "one-prefix", fake.work / "inner"
    fake.configure(fake.source, build, "Ninja")
    fake.build(build)
    run("cmake", "--install", build, "--prefix", fresh(prefix))
    both = [f"-DNETCODE_SOURCE={fake.source}", f"-DCMAKE_PREFIX_PATH={prefix}", "-DBUILD_SHARED_LIBS=ON", "-DCONSUMER_HOW=both"]
    try:
        fake.configure(CONSUMER, inner, "Ninja", *both, "-DCONSUMER_KIND=static")
    except Failure as failure:
        check("netcode_FOUND" in str(failure), str(failure))
    else:
        raise Failure("the static library of the installation is mixed with the shared one of the sources")
    for kind in ("shared", ""):
        fake.configure(CONSUMER, inner, "Ninja", *both, f"-DCONSUMER_KIND={kind}")
        fake.build(inner)
        run_consumers(inner, "shared", inner)


def exported_libraries(fake):
    """Who links with libraries of a project, which are linked with netcode, finds netcode under the name that they give."""
    build, prefix, user = fake.work / "exporter", fake.work / "exporter-prefix", fresh(fake.work / "user")
    fake.configure(EXPORTER, build, "Ninja", f"-DNETCODE_SOURCE={fake.source}")
    fake.build(build)
    run("cmake", "--install", build, "--prefix", fresh(prefix))
    run("cmake", "-S", EXPORTER / "user", "-B", user, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", user)
    programs = sorted(user.glob("play_*"))
    for program in programs:
        check("came back" in run(program), f"{program.name} got no answer")
    check(len(programs) == 4, f"{programs}")
    return f"{len(programs)} names"


def value_after(words, flag):
    return words[words.index(flag) + 1]


PROFILES = {"": "release", "Debug": "dev", "Release": "release", "MinSizeRel": "release", "RelWithDebInfo": "relwithdebinfo"}


def profile(call):
    return value_after(call["arguments"], "--profile")


def configurations(fake):
    build = fake.work / "configurations"
    for configuration, wanted in PROFILES.items():
        fake.configure(fake.source, build, "Ninja", *([f"-DCMAKE_BUILD_TYPE={configuration}"] if configuration else []))
        calls = fake.build(build)
        check([profile(call) for call in calls] == [wanted], f"{configuration}: {calls}")
        words = calls[0]["arguments"]
        check("-Wl,-soname,libnetcode.so." in " ".join(words) and value_after(words, "--crate-type") == "staticlib,cdylib", f"{words}")
    fake.configure(fake.source, build, "Ninja", "-DNETCODE_CARGO_FLAGS=--offline;--no-default-features")
    words = fake.build(build)[0]["arguments"]
    check("--offline" in words and "--no-default-features" in words, f"{words}")


def multi_config(fake):
    if cmake_version() < (3, 20):
        raise Skip("before cmake 3.20 this generator, where it exists, has the release library only")
    build, prefix = fake.work / "multi", fake.work / "multi-prefix"
    fake.configure(fake.source, build, "Ninja Multi-Config")
    for configuration in ("Debug", "Release", "RelWithDebInfo"):
        calls = fake.build(build, "--config", configuration)
        check([profile(call) for call in calls] == [PROFILES[configuration]], f"{configuration}: {calls}")
        check(fake.build(build, "--config", configuration) == [], "the second build called cargo again")
        run("cmake", "--install", build, "--config", configuration, "--prefix", fresh(prefix))
        installed = [path.name for path in prefix.rglob("netcodeTargets-*")]
        check(installed == [f"netcodeTargets-{configuration.lower()}.cmake"], f"{installed}")
        built, = build.glob(f"dist/*/{configuration.lower()}/lib/libnetcode.a")
        archive, = prefix.rglob("libnetcode.a")
        check(archive.read_bytes() == built.read_bytes(), f"{configuration} installed the library of another configuration")
        find_package(fake.work, prefix, "static", "Ninja")
    inner = fake.work / "multi-inner"
    fake.configure(CONSUMER, inner, "Ninja Multi-Config", "-DCONSUMER_HOW=subdirectory", f"-DNETCODE_SOURCE={fake.source}")
    calls = fake.build(inner, "--config", "Debug")
    check([profile(call) for call in calls] == ["dev"], f"{calls}")
    return run_consumers(inner, "static")


def one_kind(fake):
    """Of an installation that has one kind, everybody gets that, and the .pc file needs no --static."""
    for kind in ("static", "shared"):
        build, prefix = fake.work / "one", fake.work / "one-prefix"
        shared = "ON" if kind == "shared" else "OFF"
        fake.configure(fake.source, build, "Ninja", "-DNETCODE_BUILD_BOTH=OFF", f"-DBUILD_SHARED_LIBS={shared}",
                       "-DCMAKE_INSTALL_LIBDIR=lib64/deeper")
        fake.build(build)
        run("cmake", "--install", build, "--prefix", fresh(prefix))
        libraries = {path.name for path in prefix.rglob("libnetcode*")}
        check(("libnetcode.a" in libraries) == (kind == "static") and ("libnetcode.so" in libraries) == (kind == "shared"), f"{libraries}")
        private = {"-lpthread", "-ldl"} & set(pkg_config(prefix, "--libs"))
        check(bool(private) == (kind == "static"), f"pkg-config --libs: {pkg_config(prefix, '--libs')}")
        find_package_of_one_kind(fake, prefix / "lib64/deeper", kind)
        by_pkg_config(fake.work, prefix, kind, ["cc"], "main.c")


def find_package_of_one_kind(fake, library_dir, kind):
    directory = fresh(fake.work / "consumer")
    other = "OFF" if kind == "shared" else "ON"
    absent = {"static": "shared", "shared": "static"}[kind]
    for first, component in (("", ""), ("", absent), (kind, absent)):
        run("cmake", "-S", CONSUMER, "-B", directory, "-G", "Ninja", f"-Dnetcode_DIR={library_dir / 'cmake/netcode'}",
            f"-DCONSUMER_FIRST={first}", f"-DCONSUMER_KIND={component}", f"-DBUILD_SHARED_LIBS={other}", succeeds=not component)
        if not component:
            run("cmake", "--build", directory)
            run_consumers(directory, kind)


def cross_build(fake):
    """CARGO_BUILD_TARGET from the cache and from the environment, with the tools of this machine."""
    build = fake.work / "cross"
    for flags, env in (([f"-DCARGO_BUILD_TARGET={fake.host}"], {}), ([], {"CARGO_BUILD_TARGET": fake.host})):
        fake.configure(fake.source, build, "Ninja", *flags, env=env)
        call, = fake.build(build, env=env)
        check(value_after(call["arguments"], "--target") == fake.host, f"{call}")
        check("CARGO_BUILD_TARGET" not in call["environment"], f"{call}")
    musl = fake.host.replace("-gnu", "-musl")
    fake.configure(fake.source, build, "Ninja", f"-DCARGO_BUILD_TARGET={musl}")
    call, = fake.build(build)
    check(value_after(call["arguments"], "--target") == musl, f"{call}")
    lib = build / f"dist/{musl}/release/lib"
    check((lib / "libnetcode.so").resolve().name == f"libnetcode.so.{version()}", f"{sorted(lib.iterdir())}")


TOOLCHAINS = [
    ("Linux", "sparc", "", None),
    ("Linux", "aarch64", "", "aarch64-unknown-linux-gnu"),
    ("Linux", "armv7l", "", "armv7-unknown-linux-gnueabihf"),
    ("Linux", "riscv64", "", "riscv64gc-unknown-linux-gnu"),
    ("FreeBSD", "x86_64", "", "x86_64-unknown-freebsd"),
    ("Windows", "x86_64", "", "x86_64-pc-windows-gnu"),
    ("Linux", "sparc", "sparc64-unknown-linux-gnu", "sparc64-unknown-linux-gnu"),
]


def toolchain_files(fake):
    """A toolchain file decides the target, and its compiler becomes cargo's linker. The compiler here is this machine's,
    which cannot link for others."""
    build, toolchain = fake.work / "cross", fake.work / "toolchain.cmake"
    for system, processor, said, triple in TOOLCHAINS:
        if processor == "armv7l" and not compiles_for_32_bits(fake):
            continue
        toolchain.write_text(f"""
set( CMAKE_SYSTEM_NAME {system} )
set( CMAKE_SYSTEM_PROCESSOR {processor} )
set( CMAKE_C_COMPILER {shutil.which('cc')} )
set( CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY )
{'set( CMAKE_C_FLAGS_INIT -m32 )' if processor == 'armv7l' else ''}
{f'set( CARGO_BUILD_TARGET {said} )' if said else ''}
set( NETCODE_CARGO_FLAGS --offline )
""")
        try:
            fake.configure(fake.source, build, "Ninja", f"-DCMAKE_TOOLCHAIN_FILE={toolchain}")
        except Failure as failure:
            check(triple is None and "CARGO_BUILD_TARGET" in str(failure), str(failure))
            continue
        check("--offline" in (build / "build.ninja").read_text(), "a variable of the toolchain file was overruled")
        check(triple is not None, f"{system} on {processor} was configured without a target")
        call, = fake.build(build)
        name = triple.replace("-", "_")
        check(value_after(call["arguments"], "--target") == triple, f"{call}")
        check(f"CARGO_TARGET_{name.upper()}_LINKER" in call["environment"] and f"CC_{name}" in call["environment"], f"{call}")
    mine = {f"CC_{name}": "mine"}
    fake.configure(fake.source, build, "Ninja", f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", env=mine)
    call, = fake.build(build, env=mine)
    check(call["environment"][f"CC_{name}"] == "mine", f"the environment was overruled: {call}")
    return f"{len(TOOLCHAINS)} systems"


WINDOWS = {"CMAKE_SYSTEM_NAME": "Windows", "CMAKE_SYSTEM_PROCESSOR": "AMD64", "MSVC": "1", "HOST": "x86_64-pc-windows-msvc"}
MACOS = {"CMAKE_SYSTEM_NAME": "Darwin", "CMAKE_SYSTEM_PROCESSOR": "arm64", "APPLE": "1", "HOST": "aarch64-apple-darwin"}
ANDROID = {"CMAKE_SYSTEM_NAME": "Android", "CMAKE_CROSSCOMPILING": "TRUE", "HOST": "x86_64-unknown-linux-gnu"}
# What is configured, how large its pointers are, and what cargo is to build for; None: it is refused.
PLATFORMS = [
    (WINDOWS, 8, "x86_64-pc-windows-msvc"),
    ({**WINDOWS, "CMAKE_GENERATOR_PLATFORM": "x64"}, 8, "x86_64-pc-windows-msvc"),
    ({**WINDOWS, "CMAKE_GENERATOR_PLATFORM": "Win32"}, 4, "i686-pc-windows-msvc"),
    ({**WINDOWS, "CMAKE_GENERATOR_PLATFORM": "Win32,version=10.0"}, 4, "i686-pc-windows-msvc"),
    ({**WINDOWS, "CMAKE_GENERATOR_PLATFORM": "ARM64"}, 8, "aarch64-pc-windows-msvc"),
    ({**WINDOWS, "CMAKE_GENERATOR_PLATFORM": "Itanium"}, 8, None),
    (WINDOWS, 4, None),     # a prompt for 32 bits, without such a generator
    ({**WINDOWS, "CARGO_BUILD_TARGET": "i686-pc-windows-msvc"}, 4, "i686-pc-windows-msvc"),
    (MACOS, 8, "aarch64-apple-darwin"),
    ({**MACOS, "CMAKE_OSX_ARCHITECTURES": "arm64"}, 8, "aarch64-apple-darwin"),
    ({**MACOS, "CMAKE_OSX_ARCHITECTURES": "x86_64"}, 8, "x86_64-apple-darwin"),
    ({**MACOS, "CMAKE_OSX_ARCHITECTURES": "x86_64", "CARGO_BUILD_TARGET": ""}, 8, "x86_64-apple-darwin"),     # configured again
    ({**MACOS, "CMAKE_OSX_ARCHITECTURES": "arm64;x86_64"}, 8, None),
    ({**MACOS, "CMAKE_SYSTEM_NAME": "iOS", "CMAKE_CROSSCOMPILING": "TRUE", "CMAKE_OSX_ARCHITECTURES": "arm64"}, 8, "aarch64-apple-ios"),
    ({**ANDROID, "CMAKE_ANDROID_ARCH_ABI": "arm64-v8a"}, 8, "aarch64-linux-android"),
    ({**ANDROID, "CMAKE_ANDROID_ARCH_ABI": "armeabi-v7a"}, 4, "armv7-linux-androideabi"),
    ({**ANDROID, "CMAKE_ANDROID_ARCH_ABI": "x86_64"}, 8, "x86_64-linux-android"),
    ({**ANDROID, "CMAKE_ANDROID_ARCH_ABI": "x86"}, 8, None),
    ({"CMAKE_SYSTEM_NAME": "Linux", "HOST": "s390x-unknown-linux-gnu"}, 8, "s390x-unknown-linux-gnu"),
    ({"CMAKE_SYSTEM_NAME": "Linux", "HOST": "x86_64-unknown-linux-gnu"}, 4, None),
    ({"CMAKE_SYSTEM_NAME": "Linux", "HOST": "x86_64-unknown-linux-gnu", "CARGO_BUILD_TARGET": "x86_64-unknown-linux-gnux32"}, 4, "x86_64-unknown-linux-gnux32"),
]


def platforms(fake):
    """What NetcodePlatform.cmake makes of variables, on any machine."""
    script = fake.work / "platform.cmake"
    script.write_text(f"""
set( PROJECT_SOURCE_DIR "{fake.source}" )
set( PROJECT_VERSION {version()} )
include( "{fake.source}/cmake/NetcodePlatform.cmake" )
message( STATUS "triple ${{netcode_triple}}" )
message( STATUS "files ${{netcode_shared_library}} ${{netcode_soname}} ${{netcode_shared_links}}" )
""")
    for variables, pointer, triple in PLATFORMS:
        flags = [f"-D{name}={value}" for name, value in variables.items()]
        output = run("cmake", *flags, f"-DCMAKE_SIZEOF_VOID_P={pointer}", f"-DNETCODE_CARGO={HERE / 'fake_cargo.py'}", "-P", script,
                     env={**fake.environment, "FAKE_CARGO_HOST": variables["HOST"]}, succeeds=triple is not None)
        check(f"triple {triple}\n" in output if triple else "CARGO_BUILD_TARGET" in output, f"{variables}, pointers of {pointer}\n{output}")
        # Only files whose names end in .so are packed.
        check("android" not in (triple or "") or "files libnetcode.so libnetcode.so \n" in output, output)
    return f"{len(PLATFORMS)} of them"


def android(fake):
    """What is built and installed has the one name that goes into an APK."""
    build, prefix, triple = fake.work / "android", fake.work / "android-prefix", "aarch64-linux-android"
    for host in (fake.host, triple):
        fake.configure(fake.source, build, "Ninja", f"-DCARGO_BUILD_TARGET={triple}", env={"FAKE_CARGO_HOST": host})
        call, = fake.build(build)
        check("link-arg=-Wl,-soname,libnetcode.so" in call["arguments"], f"{call}")
        built, = build.glob("dist/*/release/lib/libnetcode.so*")
        check(built.name == "libnetcode.so" and not built.is_symlink(), f"{built}")
        run("cmake", "--install", build, "--prefix", fresh(prefix))
        installed, = prefix.glob("lib*/**/libnetcode.so*")
        check(installed.name == "libnetcode.so" and not installed.is_symlink(), f"{installed}")
        targets, = prefix.rglob("netcodeTargets-*.cmake")
        check('"libnetcode.so"' in targets.read_text(), targets.read_text())


def import_libraries(fake):
    """What pkg-config names is what is installed: Rust's linker for MSVC calls the import library netcode.dll.lib."""
    build = fake.work / "import"
    for system, both, shared, name in (("msvc", True, False, "netcode.dll"), ("msvc", False, True, "netcode.dll"), ("msvc", False, False, "netcode"),
                                       ("gnu", True, False, "netcode"), ("gnu", False, True, "netcode")):
        fake.configure(fake.source, build, "Ninja", f"-DCARGO_BUILD_TARGET=x86_64-pc-windows-{system}",
                       f"-DNETCODE_BUILD_BOTH={'ON' if both else 'OFF'}", f"-DBUILD_SHARED_LIBS={'ON' if shared else 'OFF'}")
        text = (build / "install/netcode.pc").read_text()
        libs = re.search(r"^Libs: .* -l(netcode\S*)", text, re.MULTILINE)
        check(libs and libs.group(1) == name, f"{system}, {'both kinds' if both else 'shared' if shared else 'static'}\n{text}")


def compiles_for_32_bits(fake):
    """Compiles only: what to link with need not be there."""
    source = fake.work / "narrow.c"
    source.write_text("typedef char four_bytes[sizeof( void * ) == 4 ? 1 : -1];\n")
    return subprocess.run(["cc", "-m32", "-c", source, "-o", os.devnull], stderr=subprocess.DEVNULL).returncode == 0


def other_pointers(fake):
    """Else programs would be linked with a library for another machine."""
    if not compiles_for_32_bits(fake):
        raise Skip("this compiler knows no -m32")
    build = fake.work / "pointers"
    narrow = ["-DCMAKE_C_FLAGS=-m32", "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY"]
    try:
        fake.configure(fake.source, build, "Ninja", *narrow)
    except Failure as failure:
        check("CARGO_BUILD_TARGET" in str(failure) and fake.host in str(failure), str(failure))
    else:
        raise Failure("a compiler with -m32 has got the library of this machine")
    fake.configure(fake.source, build, "Ninja", *narrow, "-DCARGO_BUILD_TARGET=i686-unknown-linux-gnu")
    call, = fake.build(build)
    check(value_after(call["arguments"], "--target") == "i686-unknown-linux-gnu", f"{call}")


def presets(fake):
    if cmake_version() < (3, 21):
        raise Skip("cmake before 3.21 does not know presets of this version")
    names = [preset["name"] for preset in json.loads((ROOT / "CMakePresets.json").read_text())["configurePresets"] if not preset.get("hidden")]
    for name in names:
        run("cmake", "--preset", name, f"-DNETCODE_CARGO={HERE / 'fake_cargo.py'}", cwd=fake.source, env=fake.environment)
    for preset in json.loads((ROOT / "CMakePresets.json").read_text())["buildPresets"]:
        run("cmake", "--build", "--preset", preset["name"], "--target", "netcode_cargo", cwd=fake.source, env=fake.environment)
    return ", ".join(names)


if __name__ == "__main__":
    sys.exit(main())
