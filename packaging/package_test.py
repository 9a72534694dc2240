#!/usr/bin/env python3
"""Makes the packages of this directory as far as the machine can, and uses them.

Debian packages are made with cpack, installed with dpkg into a root of their own, and linked with. The vcpkg port runs
with packaging/vcpkg/check.cmake in the place of vcpkg. The Conan package is made and tested by Conan.
"""

import argparse
import json
import os
import pathlib
import re
import runpy
import shutil
import sys
import types

from harness import CONSUMER, HERE, ROOT, Steps, check, cmake_and_ninja, compile_and_run, fresh, need, pkg_config, run, symbols, venv, version

FAKE_CARGO = HERE / "fake_cargo.py"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", type=pathlib.Path, required=True, help="where make lib and make debug-lib built")
    options = parser.parse_args()
    target = options.target.resolve()
    work = fresh(target / "package-test")
    steps = Steps("packages")
    steps.run("the list of symbols and the header", header_has_symbols)
    steps.run("the manual page", manual_page)
    steps.run("the manual page, set by groff", manual_page_is_set)
    steps.run("versions", versions)
    steps.run("licences of what is inside", licences)
    steps.run("Conan recipe, names of libraries", conan_names)
    steps.run("cargo-c", cargo_c, target, work)
    if steps.run("cmake and ninja", cmake_and_ninja, target):
        if steps.run("deb: made", make_deb, target, work) and steps.run("deb: installed", install_deb, work):
            steps.run("deb: linked with", use_deb, work)
            steps.run("deb: removed", remove_deb, work)
        for linkage in ("static", "dynamic"):
            steps.run(f"vcpkg port, {linkage}", vcpkg, target, work, linkage)
        steps.run("Conan package, static", conan, target, work, False)
        steps.run("Conan package, shared", conan, target, work, True)
    return steps.exit_status()


# ---- texts ----


def declared():
    """The functions of the header, and netcode_assert_function, which points to one."""
    header = re.sub(r"/\*.*?\*/|^ *#[^\n]*", "", (ROOT / "include" / "netcode.h").read_text(), flags=re.DOTALL | re.MULTILINE)
    return set(re.findall(r"^\w.*?[ *(](netcode_\w+)\)?\(", header, re.MULTILINE))


def header_has_symbols():
    """All that is exported is declared, and the other way round, but for the network simulator."""
    exported = {name for name in symbols() if not name.startswith("netcode_network_simulator_")}
    check(declared() == exported, f"functions that differ: {sorted(declared() ^ exported)}")
    return f"{len(exported)} functions"


def manual_page():
    page = (HERE / "netcode.3").read_text()
    named = set(re.findall(r"\bnetcode_\w+", page))
    check(named == declared(), f"functions that differ: {sorted(named ^ declared())}")
    return f"{len(named)} functions"


def manual_page_is_set():
    need("groff")
    check(run("groff", "-man", "-ww", "-z", HERE / "netcode.3") == "", "groff has warnings")


def versions():
    port = json.loads((HERE / "vcpkg/netcode/vcpkg.json").read_text())
    check(port["version"] == version(), f"vcpkg.json says {port['version']}")
    check(f'NETCODE_VERSION_FULL "{version()}"' in (ROOT / "include/netcode.h").read_text(), "netcode.h has another version")
    return version()


def licences():
    return run(sys.executable, HERE / "licences.py", "--check", cwd=ROOT).splitlines()[-1]


def cargo_c(target, work):
    """What cargo-c reads is what it understands; if it is installed, it installs the library."""
    text = run("cargo", "metadata", "--no-deps", "--locked", "--format-version", "1", cwd=ROOT)
    metadata = json.loads(text[text.index("{") :])
    capi = next(package for package in metadata["packages"] if package["name"] == "netcode")["metadata"]["capi"]
    known = {"min_version", "header", "pkgconfig", "library", "install"}
    check(set(capi) <= known and capi["header"]["generation"] is False, f"{capi}")
    for asset in capi["install"]["include"]["asset"]:
        check(list(ROOT.glob(asset["from"])), f"there is no {asset['from']}")
    if not shutil.which("cargo-cinstall"):
        return "the metadata alone: cargo-c is not installed"
    prefix = work / "cargo-c"
    run("cargo", "cinstall", "--release", "--locked", "--target-dir", target / "cargo-c", "--prefix", prefix, "--libdir", "lib", cwd=ROOT)
    libdir = prefix / "lib"
    for flags, environment in ((["-static"], {}), ([], {"LD_LIBRARY_PATH": libdir})):
        found = pkg_config(prefix, "--cflags", "--libs", *(["--static"] if flags else []))
        compile_and_run(["cc"], CONSUMER / "main.c", work / "with-cargo-c", *found, *flags, env=environment)
    return "installed and linked with"


# ---- Debian ----


def make_deb(target, work):
    need("dpkg-deb", "dpkg-shlibdeps", "file")
    run("cmake", "-S", ROOT, "-B", work / "deb", "-G", "Ninja", f"-DNETCODE_CARGO_TARGET_DIR={target}", "-DCMAKE_INSTALL_PREFIX=/usr")
    run("cmake", "--build", work / "deb")
    run("cpack", "-G", "DEB", cwd=work / "deb")
    packages = sorted(path.name for path in (work / "deb").glob("*.deb"))
    major = version().split(".")[0]
    check([name.split("_")[0] for name in packages] == ["libnetcode-dev", f"libnetcode{major}"], f"{packages}")
    for name in packages:
        fields = run("dpkg-deb", "-f", work / "deb" / name)
        check(f"Version: {version()}-1" in fields and "Maintainer: " in fields, fields)
    runtime = run("dpkg-deb", "-f", work / "deb" / packages[1], "Depends")
    check("libc6" in runtime, f"the library depends on {runtime}")
    listing = run("dpkg-deb", "-c", work / "deb" / packages[1])
    check(f"libnetcode.so.{major} -> libnetcode.so.{version()}" in listing and "include" not in listing and "LICENSE-MIT" in listing, listing)
    control = fresh(work / "control")
    run("dpkg-deb", "-e", work / "deb" / packages[1], control)
    check(f"libnetcode {major} libnetcode{major}" in (control / "shlibs").read_text(), (control / "shlibs").read_text())
    check("ldconfig" in "".join(path.read_text() for path in control.iterdir() if path.name in ("triggers", "postinst")), "nothing calls ldconfig")
    return " ".join(packages)


def dpkg(work, *arguments, succeeds=True):
    """With the packages of this machine as those that are there, so that dependencies are checked."""
    root = work / "root"
    return run("dpkg", f"--root={root}", "--force-not-root", "--force-bad-path", f"--log={work / 'dpkg.log'}", *arguments, succeeds=succeeds)


def install_deb(work):
    need("dpkg")
    admin = fresh(work / "root") / "var/lib/dpkg"
    for name in ("info", "updates", "triggers", "alternatives"):
        (admin / name).mkdir(parents=True)
    for name in ("status", "arch"):
        source = pathlib.Path("/var/lib/dpkg") / name
        if source.exists():
            shutil.copy(source, admin / name)
    runtime, = (work / "deb").glob("libnetcode1_*.deb")
    development, = (work / "deb").glob("libnetcode-dev_*.deb")
    dpkg(work, "-i", development, succeeds=False)   # it needs the other one
    dpkg(work, "-i", runtime, development)
    states = run("dpkg-query", f"--admindir={admin}", "-W", "-f", "${Package} ${Status}\n", "libnetcode1", "libnetcode-dev").splitlines()
    check(len(states) == 2 and all(state.endswith("install ok installed") for state in states), f"{states}")
    return ", ".join(states)


def use_deb(work):
    prefix = work / "root" / "usr"
    libdir = next(prefix.glob("lib/**/libnetcode.a")).parent
    check(libdir.parent == prefix / "lib" and "-linux-" in libdir.name, f"the libraries are in {libdir}")
    for kind, environment in (("static", {}), ("shared", {"LD_LIBRARY_PATH": libdir})):
        flags = pkg_config(prefix, "--cflags", "--libs", *(["--static"] if kind == "static" else []))
        compile_and_run(["cc"], CONSUMER / "main.c", work / kind, *flags, *(["-static"] if kind == "static" else []), env=environment)
        build = fresh(work / "consumer")
        run("cmake", "-S", CONSUMER, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCONSUMER_KIND={kind}")
        run("cmake", "--build", build)
        check(str(libdir) in run(build / "bin/consumer_cpp") + run("ldd", build / "bin/consumer_cpp") or kind == "static", "another library")
    return f"in {libdir.relative_to(work / 'root')}"


def remove_deb(work):
    dpkg(work, "-r", "libnetcode-dev", "libnetcode1")
    left = [path for path in (work / "root/usr").rglob("*netcode*")] if (work / "root/usr").exists() else []
    check(not left, f"left behind: {left}")


# ---- vcpkg and Conan ----


def vcpkg(target, work, linkage):
    directory = fresh(work / "vcpkg")
    run("cmake", f"-DWORK={directory}", f"-DLINKAGE={linkage}", f"-DCARGO={FAKE_CARGO}", "-P", HERE / "vcpkg/check.cmake",
        env=fake_cargo(target))
    packages = directory / "packages"
    names = {path.relative_to(packages).as_posix() for path in packages.rglob("*") if not path.is_dir()}
    for name in ("share/netcode/copyright", "share/netcode/usage", "share/netcode/netcodeConfig.cmake", "share/netcode/netcodeTargets-debug.cmake",
                 "share/netcode/netcodeTargets-release.cmake", "include/netcode.h"):
        check(name in names, f"no {name} among {sorted(names)}")
    check(not any(name.startswith(("debug/include", "debug/share")) or "/cmake/" in name for name in names), f"{sorted(names)}")
    archive, shared = "lib/libnetcode.a" in names, "lib/libnetcode.so" in names
    check((archive, shared) == (linkage == "static", linkage == "dynamic"), f"{sorted(names)}")
    for configuration in ("Debug", "Release"):
        build = fresh(work / "consumer")
        run("cmake", "-S", CONSUMER, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={packages}", f"-DCMAKE_BUILD_TYPE={configuration}")
        run("cmake", "--build", build)
        check("came back" in run(build / "bin/consumer_c"), configuration)
        used = re.findall(r"\S+libnetcode\.\S+", (build / "build.ninja").read_text())
        check(used and all(("/debug/lib/" in path) == (configuration == "Debug") for path in used), f"{configuration}: {used}")
    return f"{len(names)} files"


def fake_cargo(target):
    """Instead of building anew, packages get what make lib and make debug-lib have built."""
    host = re.search(r"host: (\S+)", run("cargo", "--version", "--verbose")).group(1)
    return {"FAKE_CARGO_LOG": os.devnull, "FAKE_CARGO_BUILT": target, "FAKE_CARGO_HOST": host, "REAL_CARGO": shutil.which("cargo")}


def conan_names():
    """What the recipe tells its users to link with, on systems that are not here. This takes no Conan."""
    stand_ins = {name: types.ModuleType(name) for name in ("conan", "conan.tools", "conan.tools.cmake", "conan.tools.files")}
    stand_ins["conan"].ConanFile = object
    stand_ins["conan.tools.cmake"].__dict__.update(CMake=None, CMakeToolchain=None, cmake_layout=None)
    stand_ins["conan.tools.files"].__dict__.update(copy=None, load=None, rmdir=None)
    sys.modules.update(stand_ins)
    try:
        recipe = runpy.run_path(str(HERE / "conan/conanfile.py"))["NetcodeRecipe"]
    finally:
        for name in stand_ins:
            del sys.modules[name]
    for system, compiler, shared, wanted in (("Linux", "gcc", True, "netcode"), ("Windows", "gcc", True, "netcode"), ("Windows", "msvc", False, "netcode"),
                                             ("Windows", "msvc", True, "netcode.dll"), ("Macos", "apple-clang", True, "netcode")):
        told = types.SimpleNamespace(set_property=lambda *_: None)
        recipe.package_info(types.SimpleNamespace(settings=types.SimpleNamespace(os=system, compiler=compiler),
                                                  options=types.SimpleNamespace(shared=shared), cpp_info=told))
        check(told.libs == [wanted], f"{system}, {compiler}, {'shared' if shared else 'static'}: {told.libs}")


def conan(target, work, shared):
    if not shutil.which("conan"):
        os.environ["PATH"] += os.pathsep + str(venv(target / "conan-venv", "conan>=2,<3"))
    environment = {**fake_cargo(target), "CONAN_HOME": work / "conan"}
    if not (work / "conan/profiles/default").exists():
        run("conan", "profile", "detect", env=environment)
    test_folder = work / "conan-test"  # a copy, since Conan builds in it
    shutil.rmtree(test_folder, ignore_errors=True)
    shutil.copytree(HERE / "conan/test_package", test_folder)
    variables = {"NETCODE_CARGO": str(FAKE_CARGO)}
    output = run("conan", "create", HERE / "conan", "-o", f"netcode/*:shared={shared}", "--build=netcode/*", "--test-folder", test_folder,
                 "-c", "tools.cmake.cmaketoolchain:generator=Ninja",
                 "-c", f"tools.cmake.cmaketoolchain:extra_variables={variables}", env=environment)
    check(f"netcode {version()}: connected" in output, output)
    exported = run("conan", "cache", "path", f"netcode/{version()}", "--folder", "export_source", env=environment).splitlines()[-1]
    for directory in ("src", "include", "cmake", "scripts", "vendor"):
        here, there = (sorted(path.relative_to(root) for path in (root / directory).rglob("*")) for root in (ROOT, pathlib.Path(exported)))
        check(here == there, f"of {directory} the recipe exports {there}")
    return "created and tested"


if __name__ == "__main__":
    sys.exit(main())
